/* SPDX-License-Identifier: MIT
 *
 * Errors that survive the clean-up after them.
 */
#pragma once

#include <errno.h>

/* KEEP_ERRNO - make a call on the way out of an error, such as close() or
   unlink(), without losing the error number.  Its result is discarded. */
#define KEEP_ERRNO(call) \
	do { \
		int kept_errno = errno; \
		(void)(call); \
		errno = kept_errno; \
	} while (0)
