/* SPDX-License-Identifier: MIT
 *
 * The order of records.  Any process, any thread.
 */
#include "shm/record.h"

static inline int
compare_signed(int32_t a, int32_t b)
{
	return (a > b) - (a < b);
}

static inline int
compare_unsigned(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int
record_compare(const struct record *a, const struct record *b)
{
	int order = compare_signed(a->modid, b->modid);

	if (order == 0)
		order = compare_signed(a->cmdid, b->cmdid);
	if (order == 0)
		order = compare_unsigned(a->ip, b->ip);
	if (order == 0)
		order = compare_unsigned(a->port, b->port);
	if (order == 0)
		order = compare_unsigned(a->caller, b->caller);
	return order;
}
