/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "status/names.h"
#include "lib/text.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LINE 512 /* bytes of a line, comments aside */

struct name {
	int32_t modid, cmdid;
	char text[];
};

struct names {
	struct stat file; /* zero if there is none */
	char failed[64];  /* why it could not be read; complained of */
	size_t count;
	void *root; /* of a tree, see tsearch(3) */
};

/* What is read, and what is found there. */
struct reading {
	const char *path;
	void (*complain)(const char *text);
	unsigned line, errors;
	bool shortage; /* of memory */
	struct names *names;
};

static int
name_compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	if (x->modid != y->modid)
		return x->modid < y->modid ? -1 : 1;
	return (x->cmdid > y->cmdid) - (x->cmdid < y->cmdid);
}

const char *
names_find(const struct names *names, int32_t modid, int32_t cmdid)
{
	const struct name key = { modid, cmdid };
	struct name *const *found =
	    names == NULL ? NULL : tfind(&key, &names->root, name_compare);

	return found == NULL ? NULL : (*found)->text;
}

size_t
names_count(const struct names *names)
{
	return names == NULL ? 0 : names->count;
}

void
names_free(struct names *names)
{
	if (names != NULL)
		tdestroy(names->root, free);
	free(names);
}

/* ----------------------------------------------------------------- lines -- */

/* Complain of a line, up to a limit: a file of another kind has many. */
static void
line_fault(struct reading *r, const char *found, const char *expected)
{
	char text[LINE + 256], quoted[LINE / 4];

	if (++r->errors > NAMES_COMPLAINTS_MAX)
		return;
	text_escape(quoted, sizeof(quoted), found);
	snprintf(text, sizeof(text), "%s:%u: found \"%s\", expected %s; %s",
	    r->path, r->line, quoted, expected,
	    r->errors < NAMES_COMPLAINTS_MAX
		? "ignoring the line"
		: "ignoring the line, and further ones without a message");
	r->complain(text);
}

/* Of several names of a service the first counts. */
static void
name_add(struct reading *r, int32_t modid, int32_t cmdid, const char *text)
{
	size_t size = strlen(text) + 1;
	struct name *name = malloc(sizeof(*name) + size), **place = NULL;

	if (name != NULL) {
		*name = (struct name){ modid, cmdid };
		memcpy(name->text, text, size);
		place = tsearch(name, &r->names->root, name_compare);
	}
	r->shortage |= place == NULL;
	if (place != NULL && *place == name) {
		r->names->count++;
		return;
	}
	free(name);
	if (place != NULL)
		line_fault(r, text, "one name for a service");
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
			line_fault(r, at, i == 0 ? "a modid" : "a cmdid");
			return;
		}
		at = next;
	}
	text_escape(plain, sizeof(plain), at);
	if (*at == '\0')
		line_fault(r, whole, "modid, cmdid and a name");
	else if (strlen(at) > NAMES_NAME_MAX || strcmp(at, plain) != 0)
		line_fault(r, at,
		    "a name of up to 64 bytes in UTF-8, without backslashes "
		    "and control characters");
	else if (r->names->count == NAMES_MAX)
		line_fault(r, whole, "up to 1000000 names");
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

/* Returns 0, or an error number. */
static int
lines_read(struct reading *r, FILE *file)
{
	char line[LINE];

	while (!r->shortage && line_next(file, line)) {
		r->line++;
		line_read(r, line);
	}
	return ferror(file) ? errno : r->shortage ? ENOMEM : 0;
}

/* --------------------------------------------------------------- reading -- */

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
	r.names = calloc(1, sizeof(*r.names));
	int error = file == NULL || r.names == NULL ||
			    fstat(fileno(file), &r.names->file) < 0
			? errno
			: lines_read(&r, file);
	if (file != NULL)
		fclose(file);
	if (error == 0)
		return r.names;
	names_free(r.names);
	return names_keep(&r, before, strerror(error));
}
