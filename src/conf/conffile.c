/* SPDX-License-Identifier: MIT
 *
 * The configuration file.  inih splits lines into section, name and value; it
 * is fed line by line, so that each has its number, and what inih would pass
 * over or cut off silently is an error here: a line that is too long or
 * neither section nor option, something after a section's bracket, a comment
 * in a password.  inih's continuation by a blank is used for one thing: a list
 * that ends in a comma goes on in the next line.  Otherwise lines may be
 * indented as one likes.
 *
 * No state outlives a call; any process and thread may call it.  Errors are
 * complained about, and reading goes on.
 */
#include "config.h"

#include "conf/conffile.h"

#include "lib/file.h"
#include "lib/text.h"
#include "lib/wipe.h"

#include <errno.h>
#include <glob.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* inih's buffer holds the line's end, a carriage return and the 0 as well. */
#define BUFFER_SPARE 3

/* One file that is being read. */
struct reading {
	const char *path; /* as it was given, for complaints */
	const char *base; /* what is read; relative includes are beside it */
	struct complaints *complaints;
	conffile_take *take;
	void *arg;
	unsigned depth;
	FILE *file;
	unsigned line;
	char *buffer; /* of getline */
	size_t buffer_size;
	bool unknown; /* the section is: its options are passed over */
	bool comment; /* one was cut off this line */
	const struct conf_option *list; /* not at its end yet, or NULL */
	char *list_text;
	unsigned list_line; /* where it began */
};

static void read_one(const struct reading *parent, const char *path);

/* "file:line", in memory of the caller's. */
static char *
where(const struct reading *r, unsigned line)
{
	char *text;

	if (asprintf(&text, "%s:%u", r->path, line) < 0)
		return NULL;
	return text;
}

static void __attribute__((format(printf, 3, 4)))
complain_here(struct reading *r, const char *what, const char *format, ...)
{
	char *here = where(r, r->line), *reason;
	va_list args;

	va_start(args, format);
	if (vasprintf(&reason, format, args) < 0)
		reason = NULL;
	va_end(args);
	complain(r->complaints, here == NULL ? r->path : here, what, "%s",
	    reason == NULL ? "there is no memory" : reason);
	free(reason);
	free(here);
}

static void
complain_short(struct reading *r, const char *what)
{
	r->complaints->shortage = r->complaints->lost = true;
	complain_here(r, what, "there is no memory");
}

/* --------------------------------------------------------------- lines ---- */

/* A line that begins with a bracket. */
static bool
section_check(struct reading *r, char *text)
{
	char *end = strchr(text, ']');
	const char *near;

	/* What follows belongs to no section until the next bracket. */
	r->unknown = true;
	if (end == NULL) {
		complain_here(r, NULL, "the section has no closing bracket");
		return false;
	}
	if (end[1] != '\0') {
		complain_here(
		    r, NULL, "something stands after the section's bracket");
		return false;
	}
	*end = '\0';
	r->unknown = !option_section_known(text + 1);
	near = option_near_section(text + 1);
	*end = ']';
	if (r->unknown) {
		complain_here(r, text, "unknown section%s%s%s",
		    near == NULL ? "" : "; did you mean [",
		    near == NULL ? "" : near, near == NULL ? "" : "]?");
	}
	return true;
}

/* Whether the line is a section's, and no address in brackets. */
static bool
section_begins(const char *text)
{
	size_t length = strlen(text);
	char name[OPTION_NAME_MAX];

	if (length < 3 || length > sizeof(name) || text[0] != '[' ||
	    text[length - 1] != ']')
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)length - 2, text + 1);
	return option_section_known(name);
}

static void
list_end(struct reading *r)
{
	free(r->list_text);
	r->list_text = NULL;
	r->list = NULL;
}

/* The list's end has not come, and now comes something else. */
static void
list_open_end(struct reading *r, const char *what)
{
	unsigned line = r->line;
	char name[OPTION_NAME_MAX];

	option_name(r->list, name, sizeof(name));
	r->line = r->list_line;
	complain_here(r, name, "the list ends in a comma, and %s", what);
	r->line = line;
	list_end(r);
}

/* Whether inih may see the line; it has been trimmed. */
static bool
line_check(struct reading *r, char *text, size_t max)
{
	if (strlen(text) > max) {
		complain_here(r, NULL,
		    "the line has %zu bytes, the longest has %zu", strlen(text),
		    max);
		return false;
	}
	if (r->list != NULL && section_begins(text))
		list_open_end(r, "a section begins");
	if (r->list != NULL)
		return true;
	if (*text == '[')
		return section_check(r, text);
	/* inih takes a colon for an equals sign. */
	if (*text != '\0' && text[strcspn(text, "=:")] != '=') {
		complain_here(
		    r, NULL, "this is neither [section] nor name = value");
		return false;
	}
	return true;
}

/* inih's reader: hand over the next line, or an empty one in place of one
   that was complained about. */
static char *
next_line(char *into, int size, void *stream)
{
	struct reading *r = stream;
	size_t room = (size_t)size;
	ssize_t length;
	char *text = NULL;

	/* The line before may have held the password. */
	explicit_bzero(into, room);
	length = wipe_getline(&r->buffer, &r->buffer_size, r->file);
	if (length < 0) {
		/* Half a file must not pass for a whole one. */
		if (!feof(r->file) && !ferror(r->file))
			complain_short(r, NULL);
		return NULL;
	}
	r->line++;
	if (length > 0 && r->buffer[length - 1] == '\n')
		r->buffer[--length] = '\0';
	if (length > 0 && r->buffer[length - 1] == '\r')
		r->buffer[--length] = '\0';
	if (text_has_control(r->buffer, (size_t)length)) {
		complain_here(r, NULL, "the line has a control character");
	} else {
		text = r->buffer;
		if (r->line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
			text += 3;
		text = text_trim(text);
		r->comment = text_cut_comment(text) && *text != '\0';
		text = text_trim(text);
		/* One byte more is the blank before a list's next line. */
		if (!line_check(r, text, room - BUFFER_SPARE - 1))
			text = NULL;
	}
	snprintf(into, room, "%s%s\n",
	    text != NULL && *text != '\0' && r->list != NULL ? " " : "",
	    text == NULL ? "" : text);
	return into;
}

/* ------------------------------------------------------------- options ---- */

/* Say that there is no such option, and which one may be meant. */
static void
complain_unknown(struct reading *r, const char *section, const char *name)
{
	const struct conf_option *near = option_near(section, name);
	char full[OPTION_NAME_MAX * 2 + 2];

	snprintf(full, sizeof(full), "%.64s%s%.64s", section,
	    *section == '\0' ? "" : ".", name);
	if (near == NULL && option_is_near(name, "include")) {
		complain_here(r, full,
		    "unknown option; did you mean include%s?",
		    *section == '\0' || strcmp(section, "reporter") == 0
			? ""
			: " in [reporter]");
	} else if (near == NULL) {
		complain_here(r, full, "unknown option");
	} else if (*section == '\0') {
		complain_here(r, full,
		    "stands before any section; did you mean %s in [%s]?",
		    near->name, near->section);
	} else if (strcmp(near->section, section) == 0) {
		complain_here(
		    r, full, "unknown option; did you mean %s?", near->name);
	} else {
		complain_here(r, full,
		    "unknown option; did you mean %s in [%s]?", near->name,
		    near->section);
	}
}

/* A secret must not be cut short without a word. */
static void
complain_comment(struct reading *r, const struct conf_option *option)
{
	char name[OPTION_NAME_MAX];

	r->complaints->lost = true;
	option_name(option, name, sizeof(name));
	complain_here(r, name,
	    "a comment follows it, or it has a # or ; after a blank; put the "
	    "comment into a line of its own, or such a password into "
	    "mysql.defaults_file");
}

static void
take(struct reading *r, const struct conf_option *option, const char *value,
    unsigned line)
{
	char *here = where(r, line);

	if (here == NULL)
		complain_short(r, option->name);
	else
		r->take(r->arg, option, value, here);
	free(here);
}

/* A line of a list: the whole is taken when a line does not end in a comma. */
static void
list_line(
    struct reading *r, const struct conf_option *option, const char *value)
{
	char *longer;
	size_t length = strlen(value);

	if (r->list == NULL)
		r->list_line = r->line;
	if (asprintf(&longer, "%s%s", r->list == NULL ? "" : r->list_text,
		value) < 0) {
		complain_short(r, option->name);
		list_end(r);
		return;
	}
	list_end(r);
	r->list = option;
	r->list_text = longer;
	if (length > 0 && value[length - 1] == ',')
		return;
	take(r, option, longer, r->list_line);
	list_end(r);
}

/* ---------------------------------------------------------- inclusion ---- */

/* The pattern without its quotes, relative to the folder of the file it stands
   in. */
static char *
include_path(const struct reading *r, const char *pattern)
{
	const char *slash = strrchr(r->base, '/');
	size_t length = strlen(pattern);
	char *path;

	if (length >= 2 && pattern[0] == '"' && pattern[length - 1] == '"') {
		pattern++;
		length -= 2;
	}
	if (*pattern == '/' || slash == NULL)
		return strndup(pattern, length);
	if (asprintf(&path, "%.*s/%.*s", (int)(slash - r->base), r->base,
		(int)length, pattern) < 0)
		return NULL;
	return path;
}

/* A folder that is hidden from us is not one that has no such files. */
static int
include_fault(const char *path, int error)
{
	(void)path;
	return error != ENOENT && error != ENOTDIR;
}

static void
include(struct reading *r, const char *pattern)
{
	char *path;
	glob_t found;
	int status;

	if (*pattern == '\0') {
		complain_here(r, "include", "nothing is given");
		return;
	}
	if (r->depth >= CONFFILE_DEPTH) {
		complain_here(r, "include",
		    "more than %d files include one another", CONFFILE_DEPTH);
		return;
	}
	path = include_path(r, pattern);
	if (path == NULL) {
		complain_short(r, "include");
		return;
	}
	status = glob(path, 0, include_fault, &found);
	if (status == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			read_one(r, found.gl_pathv[i]);
		globfree(&found);
	} else if (status != GLOB_NOMATCH) {
		r->complaints->lost = true;
		complain_here(r, "include", "%s cannot be searched for: %s",
		    path,
		    status == GLOB_NOSPACE ? "there is no memory"
					   : "its folder cannot be read");
	} else if (strpbrk(pattern, "*?[") == NULL) {
		r->complaints->lost = true;
		complain_here(r, "include", "there is no file %s", path);
	}
	free(path);
}

/* inih's handler: a name and its value, or a further line of a list. */
static int
handle(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;
	const struct conf_option *option;

	if (r->list != NULL) {
		list_line(r, r->list, value);
		return 1;
	}
	if (r->unknown)
		return 1;
	if (strcmp(name, "include") == 0 &&
	    (*section == '\0' || strcmp(section, "reporter") == 0)) {
		include(r, value);
		return 1;
	}
	option = option_find(section, name);
	if (option == NULL) {
		complain_unknown(r, section, name);
	} else if (option->type == OPTION_SECRET && r->comment) {
		complain_comment(r, option);
	} else if (option->type == OPTION_LIST) {
		list_line(r, option, value);
	} else {
		take(r, option, value, r->line);
	}
	return 1;
}

/* --------------------------------------------------------------- files ---- */

static void
read_file(struct reading *r)
{
	char bytes[BUFSIZ]; /* stdio's own would keep what it held */

	if (file_is_endless(r->base)) {
		r->complaints->lost = true;
		complain(r->complaints, r->path, NULL, "is no regular file");
		return;
	}
	r->file = fopen(r->base, "re");
	if (r->file == NULL) {
		r->complaints->lost = true;
		r->complaints->shortage |=
		    errno == EMFILE || errno == ENFILE || errno == ENOMEM;
		complain(r->complaints, r->path, NULL, "cannot be opened: %s",
		    strerror(errno));
		return;
	}
	setvbuf(r->file, bytes, _IOFBF, sizeof(bytes));
	errno = 0;
	/* What inih returns may be the number of a line that was complained
	   about here: nothing else reaches it.  Below 0 is a lack of memory,
	   where it was built to take its buffer from the heap. */
	if (ini_parse_stream(next_line, r, handle, r) < 0)
		complain_short(r, NULL);
	if (ferror(r->file)) {
		r->complaints->lost = true;
		complain(r->complaints, r->path, NULL, "cannot be read: %s",
		    strerror(errno));
	}
	if (r->list != NULL)
		list_open_end(r, "the file ends there");
	fclose(r->file);
	explicit_bzero(bytes, sizeof(bytes));
	if (r->buffer != NULL)
		explicit_bzero(r->buffer, r->buffer_size);
	free(r->buffer);
}

/* Read a file that PARENT includes. */
static void
read_one(const struct reading *parent, const char *path)
{
	struct reading r = { .path = path,
		.base = path,
		.complaints = parent->complaints,
		.take = parent->take,
		.arg = parent->arg,
		.depth = parent->depth + 1 };

	read_file(&r);
}

void
conffile_read(const char *path, struct complaints *complaints,
    conffile_take *take_option, void *arg)
{
	/* At every read: a symbolic link in the path may have been replaced,
	   and with it all files in the directory (ConfigMap). */
	char *real = realpath(path, NULL);
	struct reading r = { .path = path,
		.base = real != NULL ? real : path,
		.complaints = complaints,
		.take = take_option,
		.arg = arg };

	read_file(&r);
	free(real);
}
