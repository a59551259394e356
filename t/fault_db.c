/* SPDX-License-Identifier: MIT
 *
 * Pretended failures of the client library, see sql/fault.h.  Settings that
 * cannot be parsed pretend nothing.
 */
#include "config.h"

#include "sql/fault.h"

#include <errmsg.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERRORS_MAX 32

static struct {
	bool read;
	uint32_t rate; /* permille */
	uint64_t random;
	unsigned errors[ERRORS_MAX];
	unsigned count;
	char calls[64]; /* as ":query:execute:"; empty: all */
} fault;

static void
fault_read_errors(const char *list)
{
	char *end;

	while (fault.count < ERRORS_MAX) {
		fault.errors[fault.count] = (unsigned)strtoul(list, &end, 10);
		if (end == list)
			return;
		fault.count++;
		if (*end != ':')
			return;
		list = end + 1;
	}
}

static void
fault_read(void)
{
	const char *settings = getenv("REPORTER_FAULT_DB");
	char *copy = strdup(settings != NULL ? settings : ""), *rest = copy;
	const char *word;

	fault.read = true;
	while (copy != NULL && (word = strsep(&rest, ",")) != NULL) {
		if (strncmp(word, "rate=", 5) == 0)
			fault.rate = (uint32_t)strtoul(word + 5, NULL, 10);
		else if (strncmp(word, "seed=", 5) == 0)
			fault.random = strtoull(word + 5, NULL, 10);
		else if (strncmp(word, "errors=", 7) == 0)
			fault_read_errors(word + 7);
		else if (strncmp(word, "calls=", 6) == 0)
			snprintf(
			    fault.calls, sizeof(fault.calls), ":%s:", word + 6);
	}
	free(copy);
}

/* A step of a Weyl sequence with a mixer: any seed is a good one. */
static uint32_t
fault_random(void)
{
	uint64_t x = fault.random += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return (uint32_t)(x >> 32);
}

static bool
fault_concerns(const char *call)
{
	size_t length = strlen(call);
	const char *at = fault.calls;

	if (fault.calls[0] == 0)
		return true;
	while ((at = strstr(at, call)) != NULL) {
		if (at[-1] == ':' && at[length] == ':')
			return true;
		at += length;
	}
	return false;
}

unsigned
fault_db(const char *call)
{
	if (!fault.read)
		fault_read();
	if (fault.count == 0 || !fault_concerns(call) ||
	    fault_random() % 1000 >= fault.rate)
		return 0;
	return fault.errors[fault_random() % fault.count];
}

bool
fault_late(unsigned number)
{
	return number == CR_SERVER_LOST && fault_random() % 2 == 0;
}
