/* SPDX-License-Identifier: MIT
 *
 * The filter of services, as people write it on the page and in reporterctl
 * top: terms between blanks, all of which must hold.
 *
 *     7  7/1                        a modid; a service
 *     10.0.0.5  10.0.0.0/16         an address of a server or a caller
 *     state:overloaded,silent       one of these states
 *     err>5  err<1                  error percentage of fresh records
 *     age>60  age<5                 seconds since the newest record
 *     login                         part of the name, in either case
 *
 * Any process, any thread.
 */
#pragma once

#include "status/look.h"
#include "status/names.h"

#define FILTER_TEXT_MAX 256 /* bytes */
#define FILTER_TERMS_MAX 16
#define FILTER_ERROR 400 /* bytes that an error needs at most, with the 0 */

enum filter_kind {
	FILTER_MODID,
	FILTER_SERVICE,
	FILTER_ADDRESS,
	FILTER_STATE,
	FILTER_ERR,
	FILTER_AGE,
	FILTER_NAME
};

struct filter_term {
	enum filter_kind kind;
	bool below;   /* err, age: <, not > */
	double limit; /* err, age */
	int32_t modid, cmdid;
	uint32_t address, mask;
	unsigned states;  /* bits 1 << enum look_state */
	const char *name; /* in the filter's words */
};

/* Not to be copied: terms point into the words. */
struct filter {
	char text[FILTER_TEXT_MAX + 1], words[FILTER_TEXT_MAX + 1];
	unsigned count; /* 0: takes all */
	struct filter_term terms[FILTER_TERMS_MAX];
};

/* filter_parse - read a filter.  Returns true; or false, with a text of what
   was found and what was expected in `error`, up to size bytes; then the filter
   takes all. */
bool filter_parse(
    struct filter *filter, const char *text, char *error, size_t size);

/* filter_match - whether a service of the look is taken.  names: may be NULL.
   A look at all callers and servers of a service costs time by their number,
   only where the filter has an address. */
bool filter_match(const struct filter *filter, const struct look *look,
    const struct names *names, const struct look_service *service);
