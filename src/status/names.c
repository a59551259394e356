/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "status/names.h"
#include "lib/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LINE 512 /* bytes of a line, comments aside */

struct name {
	int32_t modid, cmdid;
	unsigned line;
	char *text;
};

struct names {
	struct stat file; /* zero if there is none */
	char failed[64];  /* why it could not be read; complained of */
	size_t count, room;
	struct name *names; /* sorted */
};

/* What is read, and what is found there. */
struct reading {
	const char *path;
	void (*complain)(const char *text);
	unsigned line, errors;
	bool shortage; /* of memory */
	struct names *names;
};

/* ----------------------------------------------------------------- lines -- */

/* Complain of a line, up to a limit: a file of another kind has many. */
static void
line_fault(
    struct reading *r, unsigned line, const char *found, const char *expected)
{
	char text[LINE + 256], quoted[LINE / 4];

	if (++r->errors > NAMES_COMPLAINTS_MAX)
		return;
	text_escape(quoted, sizeof(quoted), found);
	snprintf(text, sizeof(text), "%s:%u: found \"%s\", expected %s; %s",
	    r->path, line, quoted, expected,
	    r->errors < NAMES_COMPLAINTS_MAX
		? "ignoring the line"
		: "ignoring the line, and further ones without a message");
	r->complain(text);
}

static void
name_add(struct reading *r, int32_t modid, int32_t cmdid, const char *text)
{
	struct names *n = r->names;

	if (n->count == n->room) {
		size_t room = n->room == 0 ? 64 : 2 * n->room;
		struct name *names = realloc(n->names, room * sizeof(*names));

		r->shortage |= names == NULL;
		if (names == NULL)
			return;
		n->names = names;
		n->room = room;
	}
	n->names[n->count] =
	    (struct name){ modid, cmdid, r->line, strdup(text) };
	r->shortage |= n->names[n->count].text == NULL;
	n->count += n->names[n->count].text != NULL;
}

static void
line_read(struct reading *r, char *line)
{
	char *at = text_trim(line), whole[LINE], plain[LINE];
	int64_t ids[2];

	if (*at == '\0' || *at == '#')
		return;
	snprintf(whole, sizeof(whole), "%s", at);
	for (int i = 0; i < 2; i++) {
		size_t length = strcspn(at, " \t");
		char *next = at + length + strspn(at + length, " \t");

		at[length] = '\0';
		if (!text_number(at, INT32_MIN, INT32_MAX, &ids[i])) {
			line_fault(
			    r, r->line, at, i == 0 ? "a modid" : "a cmdid");
			return;
		}
		at = next;
	}
	text_escape(plain, sizeof(plain), at);
	if (*at == '\0')
		line_fault(r, r->line, whole, "modid, cmdid and a name");
	else if (strlen(at) > NAMES_NAME_MAX || strcmp(at, plain) != 0)
		line_fault(r, r->line, at,
		    "a name of up to 64 bytes in UTF-8, without backslashes "
		    "and control characters");
	else if (r->names->count == NAMES_MAX)
		line_fault(r, r->line, whole, "up to 1000000 names");
	else
		name_add(r, (int32_t)ids[0], (int32_t)ids[1], at);
}

/* Read a line; what is too long is cut, and a byte 0 is invalid there. */
static bool
line_next(FILE *file, char line[LINE])
{
	size_t length = 0;
	int c;

	while ((c = getc(file)) != EOF && c != '\n')
		if (length < LINE - 1)
			line[length++] = c == '\0' ? '\1' : (char)c;
	line[length] = '\0';
	return c != EOF || length > 0;
}

/* --------------------------------------------------------------- looking -- */

static int
name_compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	if (x->modid != y->modid)
		return x->modid < y->modid ? -1 : 1;
	if (x->cmdid != y->cmdid)
		return x->cmdid < y->cmdid ? -1 : 1;
	/* A name that is looked up has no line. */
	return x->line == 0 || y->line == 0 ? 0 : x->line > y->line ? 1 : -1;
}

const char *
names_find(const struct names *names, int32_t modid, int32_t cmdid)
{
	const struct name key = { .modid = modid, .cmdid = cmdid };
	const struct name *found =
	    names == NULL || names->count == 0
		? NULL
		: bsearch(&key, names->names, names->count, sizeof(key),
		      name_compare);

	return found == NULL ? NULL : found->text;
}

/* Of several names of a service the first counts. */
static void
names_sort(struct reading *r)
{
	struct names *n = r->names;
	size_t count = 0;

	if (n->count > 0)
		qsort(n->names, n->count, sizeof(*n->names), name_compare);
	for (size_t i = 0; i < n->count; i++) {
		struct name *name = &n->names[i];

		if (count > 0 && n->names[count - 1].modid == name->modid &&
		    n->names[count - 1].cmdid == name->cmdid) {
			line_fault(r, name->line, name->text,
			    "one name for a service");
			free(name->text);
			continue;
		}
		n->names[count++] = *name;
	}
	n->count = count;
}

/* --------------------------------------------------------------- reading -- */

void
names_free(struct names *names)
{
	if (names == NULL)
		return;
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i].text);
	free(names->names);
	free(names);
}

/* The file cannot be read: keep what there was, complain once of a reason. */
static struct names *
names_keep(struct reading *r, struct names *before, const char *reason)
{
	char text[LINE + 256];

	if (before == NULL && (before = calloc(1, sizeof(*before))) == NULL)
		return NULL;
	if (strncmp(before->failed, reason, sizeof(before->failed) - 1) != 0) {
		snprintf(
		    text, sizeof(text), "cannot read %s: %s", r->path, reason);
		r->complain(text);
	}
	snprintf(before->failed, sizeof(before->failed), "%s", reason);
	memset(&before->file, 0, sizeof(before->file));
	return before;
}

static struct names *
names_load(struct reading *r, FILE *file, struct names *before)
{
	char line[LINE];

	r->names = calloc(1, sizeof(*r->names));
	if (r->names == NULL || fstat(fileno(file), &r->names->file) < 0) {
		free(r->names);
		return names_keep(r, before, strerror(errno));
	}
	while (!r->shortage && line_next(file, line)) {
		r->line++;
		line_read(r, line);
	}
	int error = ferror(file) ? errno : r->shortage ? ENOMEM : 0;
	if (error != 0) {
		names_free(r->names);
		return names_keep(r, before, strerror(error));
	}
	names_sort(r);
	return r->names;
}

struct names *
names_read(const char *path, bool optional, struct names *before,
    void (*complain)(const char *text))
{
	struct reading r = { .path = path, .complain = complain };
	struct stat st;

	if (stat(path, &st) < 0) {
		if (!optional || errno != ENOENT)
			return names_keep(&r, before, strerror(errno));
		return before != NULL && before->count == 0
			   ? before
			   : calloc(1, sizeof(struct names));
	}
	if (before != NULL && st.st_ino == before->file.st_ino &&
	    st.st_size == before->file.st_size &&
	    st.st_mtim.tv_sec == before->file.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == before->file.st_mtim.tv_nsec)
		return before;
	if (!S_ISREG(st.st_mode))
		return names_keep(&r, before, "not a regular file");
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return names_keep(&r, before, strerror(errno));
	struct names *names = names_load(&r, file, before);
	fclose(file);
	return names;
}

size_t
names_count(const struct names *names)
{
	return names == NULL ? 0 : names->count;
}
