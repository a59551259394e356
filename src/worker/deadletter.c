/* SPDX-License-Identifier: MIT
 *
 * The dead-letter file.  It is opened for each line, so that it may be rotated
 * at any time.
 */
#include "config.h"

#include "worker/deadletter.h"
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/text.h"
#include "shm/keep_errno.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static json_t *
address_json(uint32_t address)
{
	char text[DOTTED_TEXT];

	return json_string(dotted(address, text));
}

static json_t *
record_json(const struct record *r)
{
	return json_pack("{s:i s:i s:o s:i s:o s:I s:I s:I s:i s:s*}", "modid",
	    r->modid, "cmdid", r->cmdid, "ip", address_json(record_address(r)),
	    "port", (int)r->port, "caller", address_json(r->caller), "succ",
	    (json_int_t)r->succ, "err", (json_int_t)r->err, "ts",
	    (json_int_t)record_ts(r), "overload", (int)r->overload, "dialect",
	    r->elb ? "elb" : NULL);
}

static char *
line_make(const struct record *record, unsigned number, const char *message)
{
	char now[CLOCK_TEXT];

	clock_text(now, realtime_ms() / 1000);
	/* A message that is not UTF-8 must not cost the record. */
	char clean[1024];
	text_escape(clean, sizeof(clean), message);
	json_t *why = json_string(clean);
	json_t *line = json_pack("{s:s s:I s:o s:o}", "time", now, "error",
	    (json_int_t)number, "message", why, "record", record_json(record));
	char *text = json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(line);
	return text;
}

/* Whether a line was cut short at the end of the file, as on a full disk: the
   next one must not become a part of it. */
static bool
line_is_cut(const char *path, off_t size)
{
	char last = '\n';
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return false;
	if (pread(fd, &last, 1, size - 1) != 1)
		last = '\n';
	close(fd);
	return last != '\n';
}

/* line: begins with a line's end, for where one is needed. */
static int
line_append(const struct settings *settings, const char *line, size_t length)
{
	struct stat st;
	/* A pipe must not block us. */
	int fd = open(settings->dead_letter_file,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
	int result = -1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		goto out;
	if (!S_ISREG(st.st_mode) || st.st_size == 0 ||
	    !line_is_cut(settings->dead_letter_file, st.st_size)) {
		line++;
		length--;
	}
	if ((uint64_t)st.st_size + length > settings->dead_letter_size) {
		errno = EFBIG;
		goto out;
	}
	/* One write: lines of several workers do not mix. */
	ssize_t n = write(fd, line, length);
	if (n >= 0 && (size_t)n < length)
		errno = ENOSPC;
	result = n == (ssize_t)length ? 0 : -1;
out:
	KEEP_ERRNO(close(fd));
	return result;
}

int
deadletter_write(const struct settings *settings, const struct record *record,
    unsigned number, const char *message)
{
	if (*settings->dead_letter_file == '\0') {
		errno = ENOENT;
		return -1;
	}
	char *text = line_make(record, number, message), *line;
	int length = text == NULL ? -1 : asprintf(&line, "\n%s\n", text);
	free(text);
	if (length < 0) {
		errno = ENOMEM;
		return -1;
	}
	int result = line_append(settings, line, (size_t)length);
	free(line);
	return result;
}
