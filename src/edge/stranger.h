/* SPDX-License-Identifier: MIT
 *
 * Connections that do not begin with a report: what they begin with, for the
 * log.  Belongs to the master's loop.
 */
#ifndef REPORTER_STRANGER_H
#define REPORTER_STRANGER_H

#include "lib/log.h"

#include <stddef.h>

enum stranger {
	STRANGER_HTTP,
	STRANGER_TLS,
	STRANGER_PROXY,
	STRANGER_SSH,
	STRANGER_OTHER,
	STRANGERS
};

/* stranger_of - which one begins with these bytes, 1 or more of them. */
enum stranger stranger_of(const uint8_t *bytes, size_t length);

/* strangers_init, stranger_log - log that the connection of this name is closed
   because of that; once per kind and minute. */
void strangers_init(struct log_limiter limiter[STRANGERS]);
void stranger_log(struct log_limiter limiter[STRANGERS], const char *name,
    enum stranger stranger);

#endif
