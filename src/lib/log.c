/* SPDX-License-Identifier: MIT
 *
 * The log.  Owns one descriptor: the log's file, or a socket for syslog.  Any
 * process and any thread may log: a line is built on the stack and goes out in
 * one write, without a lock.  log_open() may be called while other threads
 * log: the descriptor keeps its number and is replaced in one step (dup3), so
 * that no line ever reaches a descriptor that is something else by then.
 *
 * Logging never fails and never waits for a reader: a line that its target
 * does not take goes to standard error and is counted as lost; the next line
 * that it takes is preceded by the count.  errno is preserved.
 */
#include "config.h"

#include "lib/log.h"

#include "lib/clock.h"
#include "lib/text.h"
#include "shm/keep_errno.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 1024                       /* of a message */
#define LINE_MAX_BYTES (TEXT_MAX * 4 + 128) /* all of it may be escaped */

enum kind {
	KIND_STDERR,
	KIND_JOURNAL, /* standard error, which the journal reads */
	KIND_SYSLOG,
	KIND_FILE
};

const char *log_syslog_path = "/dev/log";

static _Atomic int kind = KIND_STDERR;
static _Atomic int threshold = LOG_LEVEL_INFO;
static _Atomic int descriptor = -1;
static _Atomic bool echo;
static _Atomic bool torn[2];  /* log, stderr: it ends in half a line */
static _Atomic unsigned lost; /* lines that the target did not take */
static _Atomic uint64_t lost_ever;
static char role[32];
static FILE *copy; /* NULL: none */

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARN] = { "warning", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

/* ------------------------------------------------------------- targets ---- */

/* Whether the journal reads standard error: JOURNAL_STREAM has the device and
   inode of its stream, and is inherited even if standard error is another. */
static bool
is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uint64_t device, inode;
	struct stat st;

	return stream != NULL &&
	       sscanf(stream, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
	       st.st_ino == inode;
}

/* Make fd the descriptor of the log, under the old number if there is one. */
static int
replace(int fd)
{
	int old = descriptor;

	if (old < 0) {
		descriptor = fd;
		return 0;
	}
	if (dup3(fd, old, O_CLOEXEC) < 0) {
		KEEP_ERRNO(close(fd));
		return -1;
	}
	close(fd);
	return 0;
}

/* A pipe that nobody reads, or a terminal that is stopped, must not block us.
   O_NONBLOCK belongs to the open file, which others may share: open another
   one.  Where that is not permitted, a pipe is shared all the same. */
static void
own_stderr(void)
{
	int flags = fcntl(STDERR_FILENO, F_GETFL);
	struct stat st;

	if (flags < 0 || (flags & O_NONBLOCK) != 0 ||
	    fstat(STDERR_FILENO, &st) < 0 ||
	    !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		return;
	int fd = open("/proc/self/fd/2",
	    O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0) {
		dup2(fd, STDERR_FILENO);
		close(fd);
	} else if (S_ISFIFO(st.st_mode)) {
		fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
	}
}

int
log_open(const char *target, enum log_level level)
{
	enum kind wanted = KIND_FILE;
	struct stat st;
	int fd = -1;

	own_stderr();
	if (strcmp(target, "stderr") == 0) {
		wanted = is_journal() ? KIND_JOURNAL : KIND_STDERR;
		/* A thread may be about to use the old target. */
		if (descriptor >= 0)
			fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	} else if (strcmp(target, "syslog") == 0) {
		wanted = KIND_SYSLOG;
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	} else {
		/* Do not wait for the reader of a pipe. */
		fd = open(target,
		    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
			O_NONBLOCK,
		    0640);
	}
	if (fd < 0 && (wanted == KIND_FILE || wanted == KIND_SYSLOG))
		return -1;
	/* One that is opened again may still end in half a line. */
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 0)
		torn[0] = false;
	if (fd >= 0 && replace(fd) != 0)
		return -1;
	kind = wanted;
	threshold = level;
	return 0;
}

void
log_echo(bool on)
{
	echo = on;
}

void
log_copy(FILE *stream)
{
	copy = stream;
}

int
log_fd(void)
{
	return descriptor;
}

void
log_role(const char *text)
{
	snprintf(role, sizeof(role), "%s", text);
	lost = 0; /* those of the parent process */
	lost_ever = 0;
}

uint64_t
log_lost_lines(void)
{
	return lost_ever;
}

/* --------------------------------------------------------------- lines ---- */

/* The prefix of the text, in the form of its target. */
static size_t
put_head(char *line, size_t size, enum kind target, enum log_level level)
{
	size_t length = 0;
	int priority = levels[level].priority;
	uint64_t now = realtime_ms();
	char time[CLOCK_TEXT];

	if (target == KIND_JOURNAL) {
		length = (size_t)snprintf(line, size, "<%d>", priority);
	} else if (target == KIND_SYSLOG) {
		/* syslogd adds the time. */
		length = (size_t)snprintf(line, size,
		    "<%d>reporter[%d]: ", LOG_DAEMON | priority, (int)getpid());
	} else {
		clock_text(time, now / 1000);
		time[strlen(time) - 1] = '\0'; /* the Z */
		length = (size_t)snprintf(line, size, "%s.%03uZ reporter[%d] ",
		    time, (unsigned)(now % 1000), (int)getpid());
	}
	return length + (size_t)snprintf(line + length, size - length,
			    "%s%s%s: ", role, role[0] == '\0' ? "" : ": ",
			    levels[level].name);
}

/* Standard error may be a socket of the journal. */
static ssize_t
write_once(int fd, const char *line, size_t length)
{
	ssize_t n;

	do {
		n = send(fd, line, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == ENOTSOCK)
			n = write(fd, line, length);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* A full disk may take half a line: the next line must not continue it. */
static bool
write_line(int fd, const char *line, size_t length)
{
	_Atomic bool *half = &torn[fd == STDERR_FILENO];
	ssize_t n;

	if (*half && write_once(fd, "\n", 1) != 1)
		return false;
	n = write_once(fd, line, length);
	*half = n > 0 && n < (ssize_t)length;
	return n == (ssize_t)length;
}

static bool
send_syslog(const char *line, size_t length)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", log_syslog_path);
	return sendto(descriptor, line, length, MSG_DONTWAIT | MSG_NOSIGNAL,
		   (struct sockaddr *)&to, sizeof(to)) == (ssize_t)length;
}

/* Returns false when the target did not take the line. */
static bool
emit(enum kind target, enum log_level level, const char *text)
{
	char line[LINE_MAX_BYTES];
	size_t length = put_head(line, sizeof(line), target, level);

	length += text_escape(line + length, sizeof(line) - length - 1, text);
	if (target == KIND_SYSLOG)
		return send_syslog(line, length);
	line[length++] = '\n';
	return write_line(
	    target == KIND_FILE ? descriptor : STDERR_FILENO, line, length);
}

/* Report how many lines the target did not take before this one. */
static void
log_lost(enum kind target)
{
	char text[64];
	unsigned n = atomic_exchange(&lost, 0);

	if (n == 0)
		return;
	snprintf(text, sizeof(text),
	    n == 1 ? "%u log line lost" : "%u log lines lost", n);
	if (!emit(target, LOG_LEVEL_WARN, text))
		lost += n;
}

/* To the target; also to standard error if echo is on or the target does not
   take it. */
static void
log_text(enum kind target, enum log_level level, const char *text)
{
	bool is_stderr = target != KIND_SYSLOG && target != KIND_FILE;

	/* The journal also collects the lines of syslog: send it each line
	   once, by its own stream, which identifies the process better. */
	if (!(echo && target == KIND_SYSLOG && is_journal())) {
		log_lost(target);
		if (emit(target, level, text)) {
			if (!echo || is_stderr)
				return;
		} else {
			lost++;
			lost_ever++;
			if (is_stderr)
				return;
		}
	}
	emit(is_journal() ? KIND_JOURNAL : KIND_STDERR, level, text);
}

void
log_line(enum log_level level, const char *format, ...)
{
	int kept_errno = errno, length;
	bool copied = copy != NULL && level <= LOG_LEVEL_WARN;
	char text[TEXT_MAX];
	va_list args;

	if ((int)level > threshold && !copied)
		return;
	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length >= (int)sizeof(text))
		memcpy(text + sizeof(text) - 4, "...", 4);
	if (copied)
		fprintf(copy, "%s\n", text);
	if (length >= 0 && (int)level <= threshold)
		log_text((enum kind)kind, level, text);
	errno = kept_errno;
}

void
log_error_lines(char *text)
{
	char *rest = text;

	for (char *line; (line = strsep(&rest, "\n")) != NULL;)
		if (*line != '\0')
			log_error("%s", line);
}

/* --------------------------------------------------------- rate limits ---- */

bool
log_limiter_pass(
    struct log_limiter *limiter, uint64_t now_ms, uint64_t *suppressed)
{
	*suppressed = 0;
	if (now_ms - limiter->began_ms >= limiter->period_ms) {
		limiter->began_ms = now_ms;
		limiter->passed = 0;
	}
	if (limiter->passed >= limiter->max) {
		limiter->suppressed++;
		return false;
	}
	limiter->passed++;
	*suppressed = limiter->suppressed;
	limiter->suppressed = 0;
	return true;
}

bool
log_limited_passes(const struct log_limiter *limiter)
{
	return LOG_LEVEL_WARN <= threshold &&
	       (limiter->passed < limiter->max ||
		   monotonic_ms() - limiter->began_ms >= limiter->period_ms);
}

bool
log_limited_line(
    enum log_level level, struct log_limiter *limiter, const char *format, ...)
{
	char text[TEXT_MAX - 64];
	uint64_t n;
	va_list args;

	if ((int)level > threshold ||
	    !log_limiter_pass(limiter, monotonic_ms(), &n))
		return false;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n == 0)
		log_line(level, "%s", text);
	else
		log_line(level, "%s (%" PRIu64 " similar message%s suppressed)",
		    text, n, n == 1 ? "" : "s");
	return true;
}
