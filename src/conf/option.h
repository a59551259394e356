/* SPDX-License-Identifier: MIT
 *
 * The options of reporter.conf(5): one table, from which storage, parser,
 * ranges, check, dump, the comparison at a reload and the tests of the manual
 * and of the sample file all come.  Constant data and pure functions; any
 * process, any thread.
 */
#ifndef REPORTER_OPTION_H
#define REPORTER_OPTION_H

#include "conf/settings.h"
#include "conf/units.h"

enum option_type {
	OPTION_NUMBER, /* uint64_t */
	OPTION_POWER,  /* uint64_t, a power of two */
	OPTION_AUTO,   /* uint64_t, or the word auto, which is 0 */
	OPTION_TIME,   /* uint64_t, milliseconds */
	OPTION_SIZE,   /* uint64_t, bytes */
	OPTION_CHOICE, /* int: an index into choices */
	OPTION_TEXT,   /* char *, never NULL */
	OPTION_SECRET, /* bool: one is given; see secret.h */
	OPTION_LIST    /* struct words_list */
};

/* What is at fault with a word is written to reason, as in "has no port". */
typedef bool option_check(const char *word, char *reason, size_t size);

struct conf_option {
	const char *section, *name;
	enum option_type type;
	const char *standard; /* the default, as in a file */
	/* Of the value; for texts and secrets of its length in bytes, for
	   lists of how many words it has. */
	uint64_t min, max;
	const char *unit; /* of a bare number: "ms" or "s" for times */
	uint64_t step; /* the value is a multiple of it: a second; 0: any is */
	enum option_live live;
	const char *const *choices; /* of OPTION_CHOICE, NULL-terminated */
	option_check *check;        /* of texts and of each word of a list */
	const char *expects;        /* of texts, secrets and lists */
	size_t offset;              /* in struct settings */
	const char *text;           /* what it is, one line */
};

extern const struct conf_option option_table[];
extern const size_t option_count;

#define OPTION_NAME_MAX 64     /* bytes of "section.name", with the 0 */
#define OPTION_EXPECTS_MAX 160 /* bytes of what an option expects */

/* option_find - the option, or NULL. */
const struct conf_option *option_find(const char *section, const char *name);

/* option_section_known - whether some option stands in SECTION. */
bool option_section_known(const char *section);

/* option_name - "section.name". */
void option_name(const struct conf_option *option, char *name, size_t size);

/* option_units - the units that its value may have. */
enum units option_units(const struct conf_option *option);

/* option_expects - what a value must be, as in "a time from 1ms to 1h, a bare
   number is in ms". */
void option_expects(const struct conf_option *option, char *text, size_t size);

/* option_live_text - what a change asks for, as in the manual. */
const char *option_live_text(enum option_live live);

/*
 * option_near - the option whose name is nearest to one that is unknown: in
 * another section under the same name, or in the same section but for two
 * slips of the fingers.  NULL when none is near.
 */
const struct conf_option *option_near(const char *section, const char *name);

/* option_is_near - whether NAME is WORD but for two slips of the fingers. */
bool option_is_near(const char *name, const char *word);

/* option_near_section - likewise for a section's name; NULL when none is. */
const char *option_near_section(const char *section);

#endif
