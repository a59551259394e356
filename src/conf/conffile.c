/* SPDX-License-Identifier: MIT
 *
 * The reader of the configuration file.  It reports every error of a file and
 * reads on.  A list that ends in a comma continues on the next line; nothing
 * else does.  No state outlives a call; any process and thread may call it.
 */
#include "config.h"

#include "conf/option.h"

#include "lib/file.h"
#include "lib/text.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define WHERE_MAX (PATH_MAX + 16)
#define MIGRATE "; for a file of Lars or ELB, see reporter-migrate(8)"
#define NEAR 2 /* typing errors in a name that is still suggested */

/* One file that is being read. */
struct reading {
	const char *path; /* as it was given, for error messages */
	const char *base; /* what is opened; relative includes start there */
	struct complaints *complaints;
	conffile_take *take;
	void *arg;
	unsigned depth; /* 1: no other file includes it */
	unsigned line;
	const char *section; /* "": none yet; NULL: unknown, skip its options */
	const struct conf_option *list; /* continues on this line, or NULL */
	char *list_text;
	char where[WHERE_MAX], list_where[WHERE_MAX]; /* "path:line" */
};

#define fault(r, what, ...) \
	complain((r)->complaints, (r)->where, what, __VA_ARGS__)

static void read_file(
    const struct reading *from, const char *path, const char *base);

/* ------------------------------------------------------- unknown names ---- */

static unsigned
min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters must be added, left out, changed or swapped with their
   neighbor to make b of a; a large number for long names. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned cost[OPTION_NAME_MAX][OPTION_NAME_MAX];
	size_t m = strlen(a), n = strlen(b);

	if (m >= OPTION_NAME_MAX || n >= OPTION_NAME_MAX)
		return OPTION_NAME_MAX;
	for (size_t i = 0; i <= m; i++) {
		for (size_t j = 0; j <= n; j++) {
			if (i == 0 || j == 0) {
				cost[i][j] = (unsigned)(i + j);
				continue;
			}
			cost[i][j] =
			    min_of(cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
				1 + min_of(cost[i - 1][j], cost[i][j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				cost[i][j] =
				    min_of(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	}
	return cost[m][n];
}

/* The option whose name is nearest, or NULL.  section NULL: by the names of
   sections. */
static const struct conf_option *
nearest_option(const char *section, const char *name)
{
	const struct conf_option *nearest = NULL;
	unsigned best = NEAR + 1;

	for (size_t i = 0; i < option_count; i++) {
		const struct conf_option *option = &option_table[i];
		unsigned away = distance(
		    name, section == NULL ? option->section : option->name);

		/* A short name is not near to every other short name. */
		if (section != NULL && away * 2 >= strlen(option->name))
			continue;
		/* In another section the name must be the very same. */
		if (section != NULL && strcmp(section, option->section) != 0)
			away = away == 0 ? 1 : NEAR + 1;
		if (away < best) {
			best = away;
			nearest = option;
		}
	}
	return nearest;
}

/* Whether this name of a section or an option is of Lars' or ELB's reporter. */
static bool
is_ancestors(const char *name)
{
	static const char *const names[] = { "reactor", "repoter", "maxConn",
		"maxConns", "threadNum", "thread_cnt", "db_thread_cnt" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, "db_", 3) == 0;
}

/* full: with its section. */
static void
unknown_option(struct reading *r, const char *full, const char *name)
{
	const struct conf_option *near = nearest_option(r->section, name);
	bool outside = *r->section == '\0';
	const char *error = "unknown option", *home = "reporter";

	if (near == NULL && distance(name, "include") > NEAR) {
		fault(
		    r, full, "%s%s", error, is_ancestors(name) ? MIGRATE : "");
		return;
	}
	if (near != NULL && outside)
		error = "option outside a section";
	if (near != NULL)
		home = near->section;
	else if (outside)
		home = "";
	name = near == NULL ? "include" : near->name;
	if (strcmp(home, r->section) == 0)
		fault(r, full, "%s; did you mean %s?", error, name);
	else
		fault(
		    r, full, "%s; did you mean %s in [%s]?", error, name, home);
}

/* text: "[NAME]"; end: its last byte. */
static void
unknown_section(struct reading *r, char *text, char *end)
{
	const struct conf_option *near;
	bool ancestors;

	*end = '\0';
	near = nearest_option(NULL, text + 1);
	ancestors = is_ancestors(text + 1);
	*end = ']';
	if (ancestors)
		fault(r, text, "unknown section" MIGRATE);
	else if (near == NULL)
		fault(r, text, "unknown section");
	else
		fault(r, text, "unknown section; did you mean [%s]?",
		    near->section);
}

/* ------------------------------------------------------------ sections ---- */

/* The known section that the line begins, or NULL. */
static const char *
section_of(char *text)
{
	char *last = text + strlen(text) - 1;
	const struct conf_option *first;

	if (*text != '[' || *last != ']')
		return NULL;
	*last = '\0';
	first = option_find(text + 1, NULL);
	*last = ']';
	return first == NULL ? NULL : first->section;
}

static void
section_line(struct reading *r, char *text)
{
	char *end = strchr(text, ']');

	r->section = section_of(text);
	if (r->section == NULL && (end == NULL || end[1] != '\0')) {
		fault(r, NULL, "%s",
		    end == NULL ? "missing closing bracket"
				: "unexpected text after the closing bracket");
	} else if (r->section == NULL) {
		unknown_section(r, text, end);
	}
}

/* --------------------------------------------------------------- lists ---- */

static void
list_end(struct reading *r)
{
	free(r->list_text);
	r->list_text = NULL;
	r->list = NULL;
}

static void
list_incomplete(struct reading *r, const char *what)
{
	complain(r->complaints, r->list_where, r->list->full,
	    "list ends in a comma, but %s", what);
	list_end(r);
}

static void
list_line(
    struct reading *r, const struct conf_option *option, const char *value)
{
	size_t length = strlen(value);
	char *longer;

	if (r->list == NULL)
		strcpy(r->list_where, r->where);
	r->list = option;
	if (asprintf(&longer, "%s%s", r->list_text == NULL ? "" : r->list_text,
		value) < 0) {
		complain_lost(
		    r->complaints, r->where, option->name, ENOMEM, "%m");
		list_end(r);
		return;
	}
	free(r->list_text);
	r->list_text = longer;
	if (length > 0 && value[length - 1] == ',')
		return;
	r->take(r->arg, option, r->list_text, r->list_where);
	list_end(r);
}

/* ------------------------------------------------------------- include ---- */

/* The path of a pattern, which may stand in double quotes and is relative to
   the directory of the file `base`.  NULL when memory is short. */
static char *
include_path(const char *base, const char *pattern)
{
	size_t length = strlen(pattern);
	const char *slash;
	char *path;

	if (length >= 2 && pattern[0] == '"' && pattern[length - 1] == '"') {
		pattern++;
		length -= 2;
	}
	slash = *pattern == '/' ? NULL : strrchr(base, '/');
	if (asprintf(&path, "%.*s%.*s",
		slash == NULL ? 0 : (int)(slash + 1 - base), base, (int)length,
		pattern) < 0)
		return NULL;
	return path;
}

/* A directory that cannot be read may have files that match; one that does not
   exist has none. */
static int
is_fault(const char *path, int error)
{
	(void)path;
	return error != ENOENT && error != ENOTDIR;
}

/* Read the files that match; a pattern with *, ? or [ may match none. */
static void
include_files(struct reading *r, const char *pattern)
{
	char *path = include_path(r->base, pattern);
	glob_t found = { .gl_pathc = 0 };
	int status =
	    path == NULL ? GLOB_NOSPACE : glob(path, 0, is_fault, &found);

	if (status != 0 &&
	    (status != GLOB_NOMATCH || strpbrk(pattern, "*?[") == NULL))
		complain_lost(r->complaints, r->where, "include",
		    status == GLOB_NOSPACE   ? ENOMEM
		    : status == GLOB_NOMATCH ? ENOENT
					     : EACCES,
		    "cannot find %.400s: %m", path == NULL ? pattern : path);
	for (size_t i = 0; status == 0 && i < found.gl_pathc; i++)
		read_file(r, found.gl_pathv[i], found.gl_pathv[i]);
	globfree(&found);
	free(path);
}

static void
include(struct reading *r, const char *pattern)
{
	if (*pattern == '\0')
		fault(r, "include", "missing path");
	else if (r->depth > CONFFILE_DEPTH)
		fault(r, "include", "files nested more than %d deep",
		    CONFFILE_DEPTH);
	else
		include_files(r, pattern);
}

/* ------------------------------------------------------------- options ---- */

/* comment: one was cut off the line. */
static void
option_line(struct reading *r, char *text, bool comment)
{
	char *value = text + strcspn(text, "=:");
	char full[OPTION_NAME_MAX * 2];
	const struct conf_option *option;

	if (*value != '=') {
		fault(r, NULL, "expected [section] or name = value");
		return;
	}
	if (r->section == NULL)
		return;
	*value = '\0';
	text = text_trim(text);
	value = text_trim(value + 1);
	snprintf(full, sizeof(full), "%s%s%.64s", r->section,
	    *r->section == '\0' ? "" : ".", text);
	option = option_find(r->section, text);
	if (strcmp(text, "include") == 0 &&
	    (*r->section == '\0' || strcmp(r->section, "reporter") == 0)) {
		include(r, value);
	} else if (option == NULL) {
		unknown_option(r, full, text);
	} else if (option->type == OPTION_SECRET && comment) {
		complain_lost(r->complaints, r->where, full, 0,
		    "a comment follows it, or it contains # or ; after a "
		    "blank: put the comment on a line of its own, or such a "
		    "password into mysql.defaults_file");
	} else if (option->type == OPTION_LIST) {
		list_line(r, option, value);
	} else {
		r->take(r->arg, option, value, r->where);
	}
}

/* --------------------------------------------------------------- files ---- */

/* Whether a line contains a control character other than a tab. */
static bool
has_control(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (iscntrl((unsigned char)text[i]) && text[i] != '\t')
			return true;
	}
	return false;
}

static void
take_line(struct reading *r, char *text, size_t length)
{
	bool comment;

	if (has_control(text, length)) {
		fault(r, NULL, "line contains a control character");
		return;
	}
	if (r->line == 1 && strncmp(text, BYTE_ORDER_MARK, 3) == 0)
		text += 3;
	comment = text_cut_comment(text);
	text = text_trim(text);
	if (*text == '\0')
		return;
	if (strlen(text) > CONFFILE_LINE_MAX) {
		fault(r, NULL, "line too long: %zu bytes, at most %d",
		    strlen(text), CONFFILE_LINE_MAX);
		return;
	}
	if (r->list != NULL && section_of(text) != NULL)
		list_incomplete(r, "a section begins");
	if (r->list != NULL)
		list_line(r, r->list, text);
	else if (*text == '[')
		section_line(r, text);
	else
		option_line(r, text, comment);
}

static void
read_lines(struct reading *r, FILE *file)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = wipe_getline(&text, &size, file)) >= 0) {
		size_t length = (size_t)n;

		r->line++;
		snprintf(r->where, sizeof(r->where), "%s:%u", r->path, r->line);
		if (length > 0 && text[length - 1] == '\n')
			text[--length] = '\0';
		if (length > 0 && text[length - 1] == '\r')
			text[--length] = '\0';
		take_line(r, text, length);
	}
	/* Part of a file must not pass for all of it. */
	if (!feof(file))
		complain_lost(
		    r->complaints, r->path, NULL, errno, "cannot read: %m");
	if (r->list != NULL)
		list_incomplete(r, "the file ends");
	if (text != NULL)
		explicit_bzero(text, size);
	free(text);
}

static void
read_file(const struct reading *from, const char *path, const char *base)
{
	struct reading r = { .path = path,
		.base = base,
		.complaints = from->complaints,
		.take = from->take,
		.arg = from->arg,
		.depth = from->depth + 1,
		.section = "" };
	char bytes[BUFSIZ]; /* stdio would not wipe its own */
	FILE *file;

	if (file_is_endless(base)) {
		complain_lost(r.complaints, path, NULL, 0,
		    "cannot read: not a regular file");
		return;
	}
	file = fopen(base, "re");
	if (file == NULL) {
		complain_lost(
		    r.complaints, path, NULL, errno, "cannot read: %m");
		return;
	}
	setvbuf(file, bytes, _IOFBF, sizeof(bytes));
	read_lines(&r, file);
	fclose(file);
	explicit_bzero(bytes, sizeof(bytes));
}

void
conffile_read(const char *path, struct complaints *complaints,
    conffile_take *take, void *arg)
{
	/* Resolved at every read: a symbolic link in the path may have been
	   replaced, and with it all files in the directory (ConfigMap). */
	char *real = realpath(path, NULL);
	const struct reading none = {
		.complaints = complaints, .take = take, .arg = arg
	};

	read_file(&none, path, real != NULL ? real : path);
	free(real);
}
