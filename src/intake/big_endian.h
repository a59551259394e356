/* SPDX-License-Identifier: MIT
 *
 * Numbers as MessagePack has them, the highest byte first.
 */
#ifndef REPORTER_BIG_ENDIAN_H
#define REPORTER_BIG_ENDIAN_H

#include <stdint.h>

/* load_big_endian - the number of so many bytes, 0 to 8, at p. */
static inline uint64_t
load_big_endian(const uint8_t *p, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

#endif
