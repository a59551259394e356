/* SPDX-License-Identifier: MIT
 *
 * The options of reporter.conf(5): one table, from which storage, parser,
 * ranges, check, dump, the comparison at a reload and the tests of the manual
 * and of the sample file all come.  Constant data and pure functions; any
 * process, any thread.
 */
#pragma once

#include "conf/settings.h"
#include "lib/complain.h"

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

/* Returns NULL, or the fault of a text, as in "has no port", valid until the
   next call. */
typedef const char *option_check(const char *word);

struct conf_option {
	const char *section, *name, *full; /* full: "section.name" */
	enum option_type type;
	const char *initial; /* the default, as in a file */
	/* Of the value; for texts and secrets of its length in bytes, for
	   lists of the number of entries. */
	uint64_t min, max;
	const char *unit; /* of a number without one: "ms" or "s" for times */
	uint64_t step;    /* the value must be a multiple of it; 0: any */
	enum option_live live;
	const char *const *choices; /* of OPTION_CHOICE, NULL-terminated */
	option_check *check;        /* of texts and of each entry of a list */
	const char *expects;        /* of texts, secrets and lists */
	size_t offset;              /* in struct settings */
};

extern const struct conf_option option_table[];
extern const size_t option_count;

#define OPTION_NAME_MAX 64 /* bytes of "section.name", with the 0 */

/* option_find - the option; name NULL: the section's first one.  Or NULL. */
const struct conf_option *option_find(const char *section, const char *name);

/* From text into a struct settings and back: value.c. */

#define VALUE_REASON_MAX 512  /* bytes of a reason, with the 0 */
#define VALUE_EXPECTS_MAX 160 /* bytes of what an option expects */

/* value_expects - write the values that an option takes into `text` (size
   bytes), as in "a time from 1ms to 1h, default unit ms". */
void value_expects(const struct conf_option *option, char *text, size_t size);

/* value_parse - parse text, as it is in a file, and replace the value in
   settings.  On failure settings keep the old value, and reason
   (VALUE_REASON_MAX bytes) has the fault and what was expected. */
bool value_parse(const struct conf_option *option, struct settings *settings,
    const char *text, char *reason);

/* value_text - the text of an OPTION_TEXT or OPTION_SECRET without its quotes,
   checked as value_parse() does, which of a secret keeps only whether it is
   set.  Returns memory of the caller's, for wipe_text(), or NULL with the
   reason. */
char *value_text(
    const struct conf_option *option, const char *text, char *reason);

/* value_format - the value as text that value_parse() takes.  A secret comes
   as "(hidden)", or as "" when it is not set.
   Returns memory of the caller's, or NULL when memory is short. */
char *value_format(
    const struct conf_option *option, const struct settings *settings);

/* value_free - free what the value owns. */
void value_free(const struct conf_option *option, struct settings *settings);

/* Reading a file, and those it includes: conffile.c. */

#define CONFFILE_DEPTH 8       /* files that include one another */
#define CONFFILE_LINE_MAX 8192 /* bytes of a line without its comment */

/* Called for each option given, in the order of the file.  where:
   "file:line". */
typedef void conffile_take(void *arg, const struct conf_option *option,
    const char *value, const char *where);

/* conffile_read - read the file at path.  Every error in its form and its
   names is reported to complaints, and reading continues.  No byte of the file
   is left in memory but what `take` was given and kept. */
void conffile_read(const char *path, struct complaints *complaints,
    conffile_take *take, void *arg);
