/* SPDX-License-Identifier: MIT
 *
 * The log: the form of its lines for each target, levels, what is escaped,
 * reopening after a rename, the limiter.  Each test runs in its own process
 * (Check forks), with files in a directory of its own.
 */
#include "config.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/text.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char directory[64], path[96], other[96];

static void
setup(void)
{
	strcpy(directory, "/tmp/reporter-unit-log.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/log", directory);
	snprintf(other, sizeof(other), "%s/log.1", directory);
	unsetenv("JOURNAL_STREAM");
	umask(022);
}

static void
teardown(void)
{
	unlink(path);
	unlink(other);
	rmdir(directory);
}

/* All of a file, in a buffer that the next call takes again. */
static char *
contents(const char *name)
{
	static char text[65536];
	FILE *file = fopen(name, "r");
	size_t length;

	ck_assert_ptr_nonnull(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

static bool
looks_like(const char *text, const char *pattern)
{
	regex_t regex;
	int status;

	ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	status = regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	return status == 0;
}

/* What stands after the head "... master: warning: " of one line in a file. */
static const char *
message(const char *name)
{
	char *text = strstr(contents(name), "warning: ");
	char *end;

	ck_assert_ptr_nonnull(text);
	text += strlen("warning: ");
	end = strchr(text, '\n');
	ck_assert_ptr_nonnull(end);
	ck_assert_str_eq(end, "\n");
	*end = '\0';
	return text;
}

START_TEST(line_in_a_file_has_time_speaker_and_level)
{
	char pattern[256];

	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	log_role("worker 3");
	log_warn("the number is %d", 7);
	snprintf(pattern, sizeof(pattern),
	    "^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]"
	    "\\.[0-9]{3}Z reporter\\[%d\\] worker 3: warning: "
	    "the number is 7\n$",
	    (int)getpid());
	ck_assert_msg(
	    looks_like(contents(path), pattern), "%s", contents(path));
}
END_TEST

START_TEST(file_is_made_for_owner_and_group)
{
	struct stat st;

	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0640);
	ck_assert_int_ge(log_fd(), 0);
	ck_assert_int_ne(fcntl(log_fd(), F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(log_fd(), F_GETFL) & O_APPEND, 0);
}
END_TEST

START_TEST(level_holds_back_what_is_less_grave)
{
	static const char *const names[] = { "error: e\n", "warning: w\n",
		"info: i\n", "debug: d\n" };

	ck_assert_int_eq(log_open(path, (enum log_level)_i), 0);
	log_error("e");
	log_warn("w");
	log_info("i");
	log_debug("d");
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(
		    strstr(contents(path), names[i]) != NULL, i <= _i);
	}
}
END_TEST

START_TEST(role_may_be_missing_and_is_cut)
{
	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	log_info("x");
	ck_assert(
	    looks_like(contents(path), "reporter\\[[0-9]+\\] info: x\n$"));
	log_role("0123456789012345678901234567890123456789");
	log_info("y");
	ck_assert(looks_like(
	    contents(path), "\\] 0123456789012345678901234567890: info: y\n$"));
}
END_TEST

START_TEST(control_characters_do_not_reach_the_log)
{
	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	log_warn("peer said %s", "a\nb\r\x1b[31m\\x\x80\xc2\x9b");
	ck_assert_str_eq(
	    message(path), "peer said a\\nb\\x0d\\x1b[31m\\\\x\\x80\\xc2\\x9b");
}
END_TEST

START_TEST(long_line_is_cut_and_says_so)
{
	char text[3000];
	const char *logged;

	memset(text, '\x01', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	log_warn("%s", text);
	logged = message(path);
	ck_assert_uint_eq(strlen(logged), 4 * 1020 + 3);
	ck_assert_str_eq(logged + strlen(logged) - 7, "\\x01...");
}
END_TEST

START_TEST(errno_is_left_alone_and_can_be_named)
{
	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	errno = ENOENT;
	log_warn("open: %m");
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(message(path), "open: No such file or directory");
}
END_TEST

START_TEST(file_is_opened_again_after_a_rename)
{
	int fd;

	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	fd = log_fd();
	log_info("first");
	ck_assert_int_eq(rename(path, other), 0);
	log_info("second");
	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	log_info("third");
	ck_assert_int_eq(log_fd(), fd);
	ck_assert_ptr_nonnull(strstr(contents(other), "first"));
	ck_assert_ptr_nonnull(strstr(contents(other), "second"));
	ck_assert_ptr_null(strstr(contents(other), "third"));
	ck_assert_ptr_nonnull(strstr(contents(path), "third"));
	ck_assert_ptr_null(strstr(contents(path), "second"));
}
END_TEST

START_TEST(target_stays_when_the_new_one_cannot_be_opened)
{
	char missing[128];

	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	snprintf(missing, sizeof(missing), "%s/no/such/directory", directory);
	ck_assert_int_eq(log_open(missing, LOG_LEVEL_ERROR), -1);
	ck_assert_int_eq(errno, ENOENT);
	log_warn("still here");
	ck_assert_str_eq(message(path), "still here");
}
END_TEST

/* Let standard error be a file. */
static void
redirect_stderr(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_APPEND, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
}

/* What a daemon logs to a pipe waits for nobody. */
START_TEST(pipe_without_a_reader_is_an_error)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), -1);
	ck_assert_int_eq(errno, ENXIO);
}
END_TEST

START_TEST(lines_before_log_open_go_to_standard_error)
{
	redirect_stderr(path);
	log_warn("early");
	ck_assert_str_eq(message(path), "early");
	ck_assert_int_eq(log_fd(), -1);
}
END_TEST

/* Standard error leads to the journal, which is a file. */
static void
stderr_to_journal(const char *name)
{
	char stream[64];
	struct stat st;

	redirect_stderr(name);
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
}

START_TEST(journal_gets_levels_and_no_time)
{
	static const char *const lines = "<3>master: error: a\n"
					 "<4>master: warning: b\n"
					 "<6>master: info: c\n"
					 "<7>master: debug: d\n";

	stderr_to_journal(path);
	ck_assert_int_eq(log_open("stderr", LOG_LEVEL_DEBUG), 0);
	log_role("master");
	log_error("a");
	log_warn("b");
	log_info("c");
	log_debug("d");
	ck_assert_str_eq(contents(path), lines);
}
END_TEST

START_TEST(other_standard_error_than_the_journal_gets_the_time)
{
	char stream[64];
	struct stat st;

	redirect_stderr(path);
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)st.st_dev + (_i == 0),
	    (unsigned long long)st.st_ino + (_i == 1));
	setenv("JOURNAL_STREAM", stream, 1);
	ck_assert_int_eq(log_open("stderr", LOG_LEVEL_DEBUG), 0);
	log_warn("b");
	ck_assert(looks_like(contents(path), "^20[0-9-]+T.*warning: b\n$"));
}
END_TEST

START_TEST(file_gives_way_to_standard_error)
{
	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	redirect_stderr(other);
	ck_assert_int_eq(log_open("stderr", LOG_LEVEL_INFO), 0);
	log_warn("here");
	ck_assert_str_eq(contents(path), "");
	ck_assert_str_eq(message(other), "here");
}
END_TEST

/* A socket that syslog's lines come to. */
static int
listen_as_syslog(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	log_syslog_path = path;
	return fd;
}

START_TEST(syslog_gets_priority_and_tag)
{
	int fd = listen_as_syslog();
	char line[256], wanted[256];
	ssize_t length;

	ck_assert_int_eq(log_open("syslog", LOG_LEVEL_INFO), 0);
	ck_assert_int_ge(log_fd(), 0);
	log_role("master");
	log_warn("a\nb");
	length = recv(fd, line, sizeof(line) - 1, 0);
	ck_assert_int_gt(length, 0);
	line[length] = '\0';
	snprintf(wanted, sizeof(wanted),
	    "<28>reporter[%d]: master: warning: a\\nb", (int)getpid());
	ck_assert_str_eq(line, wanted);
	close(fd);
}
END_TEST

START_TEST(syslog_that_is_away_does_not_lose_lines)
{
	char line[256];
	int fd;

	redirect_stderr(other);
	log_syslog_path = path;
	ck_assert_int_eq(log_open("syslog", LOG_LEVEL_INFO), 0);
	errno = EDOM;
	log_warn("nobody there");
	ck_assert_int_eq(errno, EDOM);
	ck_assert_str_eq(message(other), "nobody there");
	fd = listen_as_syslog();
	log_warn("back again");
	ck_assert_int_gt(recv(fd, line, sizeof(line), 0), 0);
	close(fd);
}
END_TEST

/* What is said at a start goes to standard error as well.  Where that is the
   journal it has its level there, and stands in it once. */
START_TEST(journal_is_not_told_twice)
{
	char line[256];
	int fd = listen_as_syslog();

	stderr_to_journal(other);
	ck_assert_int_eq(log_open("syslog", LOG_LEVEL_INFO), 0);
	log_role("master");
	log_echo(true);
	log_error("at the start");
	ck_assert_str_eq(contents(other), "<3>master: error: at the start\n");
	ck_assert_int_lt(recv(fd, line, sizeof(line), 0), 0);
	log_echo(false);
	log_error("later");
	ck_assert_int_gt(recv(fd, line, sizeof(line), 0), 0);
	ck_assert_str_eq(contents(other), "<3>master: error: at the start\n");
	close(fd);
}
END_TEST

START_TEST(journal_is_told_beside_a_file)
{
	stderr_to_journal(other);
	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	log_role("master");
	log_echo(true);
	log_warn("at the start");
	ck_assert_str_eq(message(path), "at the start");
	ck_assert_str_eq(contents(other), "<4>master: warning: at the start\n");
}
END_TEST

static void
file_size_limit(rlim_t bytes)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The disk takes half a line, then none, then has room again. */
START_TEST(full_disk_is_told_of_when_there_is_room)
{
	const char *text;

	signal(SIGXFSZ, SIG_IGN);
	redirect_stderr(other);
	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	log_warn("whole");
	file_size_limit((rlim_t)strlen(contents(path)) + 10);
	log_warn("torn");
	log_warn("lost");
	file_size_limit(RLIM_INFINITY);
	/* As at a reload. */
	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	log_warn("here");
	log_warn("and here");
	text = contents(path);
	ck_assert(looks_like(text,
	    "^[^\n]*warning: whole\n[0-9-]{10}\n"
	    "[^\n]*warning: 2 log lines lost\n"
	    "[^\n]*warning: here\n[^\n]*warning: and here\n$"));
}
END_TEST

/* A receiver that does not read must not hold up the daemon. */
START_TEST(syslog_that_is_stuck_does_not_hold_up)
{
	int fd = listen_as_syslog();
	unsigned n = 0;

	redirect_stderr(other);
	ck_assert_int_eq(log_open("syslog", LOG_LEVEL_INFO), 0);
	while (contents(other)[0] == '\0' && n < 100000) {
		log_warn("line %u", n);
		n++;
	}
	ck_assert_uint_lt(n, 100000);
	close(fd);
}
END_TEST

#define THREADS 4
#define LINES 500

static void *
chatter(void *arg)
{
	for (int i = 0; i < LINES; i++)
		log_warn("thread %d line %d end", *(int *)arg, i);
	return NULL;
}

START_TEST(pipe_that_is_full_does_not_hold_up)
{
	unsigned n = 0;
	int fd;

	redirect_stderr(other);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	/* Somebody has it open, and does not read. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	while (contents(other)[0] == '\0' && n < 100000) {
		log_warn("line %u", n);
		n++;
	}
	ck_assert_uint_gt(n, 1);
	ck_assert_uint_lt(n, 100000);
	close(fd);
}
END_TEST

#define TERMINAL 2

/* Standard error that somebody has open and does not read: a pipe, a socket as
   of the journal, a terminal.  Returns the other end. */
static int
stuck_stderr(int kind)
{
	int ends[2];

	if (kind == TERMINAL) {
		ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
		ck_assert_int_eq(grantpt(ends[0]), 0);
		ck_assert_int_eq(unlockpt(ends[0]), 0);
		ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
	} else {
		ck_assert_int_eq(
		    kind == 0 ? pipe(ends)
			      : socketpair(AF_UNIX, SOCK_STREAM, 0, ends),
		    0);
	}
	ck_assert_int_ge(ends[1], 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	/* Who shares it may wait. */
	ck_assert_int_eq(log_open("stderr", LOG_LEVEL_INFO), 0);
	ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	close(ends[1]);
	return ends[0];
}

/* How many lines a log says were lost.  A terminal moves what it holds while
   it is written to, so that there can be room again between two losses. */
static unsigned
told_lost(const char *log)
{
	unsigned sum = 0, n;

	for (; (log = strstr(log, "warning: ")) != NULL; log++)
		if (sscanf(log, "warning: %u log line", &n) == 1)
			sum += n;
	return sum;
}

START_TEST(standard_error_that_is_not_read_does_not_hold_up)
{
	static char text[2 << 20];
	int fd = stuck_stderr(_i);
	unsigned n = 0;
	size_t length = 0;
	ssize_t part;

	log_role("master");
	alarm(10);
	while (log_lost_lines() < 3 && n++ < 100000)
		log_warn("line %u", n);
	ck_assert_uint_eq(log_lost_lines(), 3);
	ck_assert_uint_gt(n, 3);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while ((part = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)part;
	log_warn("here");
	while ((part = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)part;
	text[length] = '\0';
	const char *end = text + (length < 300 ? 0 : length - 300);
	ck_assert_msg(
	    looks_like(end, _i == TERMINAL
				? "\n20[^\n]*warning: [1-3] log lines? lost\r\n"
				  "20[^\n]*warning: here\r\n$"
				: "\n20[^\n]*warning: 3 log lines lost\n"
				  "20[^\n]*warning: here\n$"),
	    "%s", end);
	ck_assert_uint_eq(told_lost(text), 3);
	log_role("worker 1");
	ck_assert_uint_eq(log_lost_lines(), 0);
	close(fd);
}
END_TEST

START_TEST(threads_do_not_mix_lines_while_it_is_reopened)
{
	pthread_t threads[THREADS];
	int numbers[THREADS];
	char *text = NULL;
	size_t size = 0, count = 0;
	FILE *file;

	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, chatter, &numbers[i]), 0);
	}
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (getline(&text, &size, file) >= 0) {
		count++;
		ck_assert_msg(
		    looks_like(text, "^20[^ ]* reporter\\[[0-9]+\\] warning: "
				     "thread [0-9] line [0-9]+ end\n$"),
		    "%s", text);
	}
	ck_assert_uint_eq(count, THREADS * LINES);
	free(text);
	fclose(file);
}
END_TEST

/* --------------------------------------------------------------- limiter ----
 */

START_TEST(limiter_passes_so_many_lines_in_a_period)
{
	struct log_limiter limiter = { .max = 3, .period_ms = 1000 };
	uint64_t held;

	for (int i = 0; i < 3; i++) {
		ck_assert(
		    log_limiter_pass(&limiter, 5000 + (uint64_t)i, &held));
		ck_assert_uint_eq(held, 0);
	}
	for (int i = 0; i < 7; i++)
		ck_assert(!log_limiter_pass(&limiter, 5999, &held));
	ck_assert(log_limiter_pass(&limiter, 6000, &held));
	ck_assert_uint_eq(held, 7);
	ck_assert(log_limiter_pass(&limiter, 6001, &held));
	ck_assert_uint_eq(held, 0);
	ck_assert(log_limiter_pass(&limiter, 6002, &held));
	ck_assert(!log_limiter_pass(&limiter, 6999, &held));
	ck_assert(log_limiter_pass(&limiter, 60000, &held));
	ck_assert_uint_eq(held, 1);
}
END_TEST

START_TEST(limiter_works_from_the_first_millisecond)
{
	struct log_limiter limiter = { .max = 1, .period_ms = 1000 };
	uint64_t held;

	ck_assert(log_limiter_pass(&limiter, 0, &held));
	ck_assert(!log_limiter_pass(&limiter, 999, &held));
	ck_assert(log_limiter_pass(&limiter, 1000, &held));
	ck_assert_uint_eq(held, 1);
}
END_TEST

START_TEST(limited_line_reports_the_suppressed)
{
	struct log_limiter limiter = { .max = 1, .period_ms = 3600000 };

	ck_assert_int_eq(log_open(path, LOG_LEVEL_INFO), 0);
	limiter.began_ms = monotonic_ms();
	ck_assert(log_limited_passes(&limiter));
	ck_assert(log_limited(&limiter, "lost %d", 1));
	ck_assert_str_eq(message(path), "lost 1");
	ck_assert(!log_limited_passes(&limiter));
	ck_assert(!log_limited(&limiter, "lost %d", 2));
	ck_assert(!log_limited(&limiter, "lost %d", 3));
	ck_assert_int_eq(truncate(path, 0), 0);
	limiter.began_ms -= limiter.period_ms; /* as if the period were over */
	ck_assert(log_limited_passes(&limiter));
	log_limited(&limiter, "lost %d", 4);
	ck_assert_str_eq(
	    message(path), "lost 4 (2 similar messages suppressed)");
}
END_TEST

START_TEST(limiter_ignores_lines_below_the_level)
{
	struct log_limiter limiter = { .max = 1, .period_ms = 3600000 };

	ck_assert_int_eq(log_open(path, LOG_LEVEL_ERROR), 0);
	ck_assert(!log_limited_passes(&limiter));
	for (int i = 0; i < 5; i++)
		ck_assert(!log_limited(&limiter, "x"));
	ck_assert_str_eq(contents(path), "");
	ck_assert_uint_eq(limiter.passed, 0);
	ck_assert_uint_eq(limiter.suppressed, 0);
}
END_TEST

START_TEST(times_are_shown_in_utc)
{
	char text[CLOCK_TEXT];

	setenv("TZ", "Asia/Shanghai", 1);
	ck_assert_str_eq(clock_text(text, 0), "1970-01-01T00:00:00Z");
	ck_assert_str_eq(clock_text(text, 1795841665), "2026-11-28T04:54:25Z");
	/* Of a damaged segment. */
	ck_assert_str_eq(clock_text(text, UINT64_MAX / 2), "unknown");
}
END_TEST

START_TEST(clock_runs_forward_in_milliseconds)
{
	struct timespec now;
	uint64_t before = monotonic_ms(), middle;

	clock_gettime(CLOCK_MONOTONIC, &now);
	middle = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	ck_assert_uint_le(before, middle);
	ck_assert_uint_ge(monotonic_ms(), middle);
}
END_TEST

/* ---------------------------------------------------------------- text ---- */

START_TEST(guarded_stream_is_clean)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size), *guard = text_guard(out);
	char longest[3000];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_ptr_ne(guard, out);
	fprintf(guard, "a\033[2J\xe2\x80\xae\xc2\x9b\t\\n \xe2\x82\xac\n");
	fprintf(guard, "%s\n", longest);
	fclose(guard);
	fclose(out);
	ck_assert_uint_eq(size, 36 + sizeof(longest));
	ck_assert_int_eq(strncmp(text,
			     "a\\x1b[2J\\xe2\\x80\\xae\\xc2\\x9b\t\\n "
			     "\xe2\x82\xac\n"
			     "xxx",
			     36),
	    0);
	free(text);
}
END_TEST

static const struct {
	const char *text, *escaped;
} escapes[] = {
	{ "", "" },
	{ "plain ~ text", "plain ~ text" },
	{ "\t\n\r\x1b\x7f", "\\t\\n\\x0d\\x1b\\x7f" },
	{ "a\\b", "a\\\\b" },
	{ "M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x98\x80",
	    "M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "\xc2\x80", "\\xc2\\x80" },          /* C1 control */
	{ "\xc1\xa1", "\\xc1\\xa1" },          /* overlong */
	{ "\xe0\x82\xac", "\\xe0\\x82\\xac" }, /* overlong */
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* half a surrogate pair */
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* over U+10FFFF */
	{ "\xd8\x9c", "\\xd8\\x9c" },          /* U+061C, a mark of direction */
	{ "\xe2\x80\x8e", "\\xe2\\x80\\x8e" }, /* U+200E */
	{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" }, /* U+2028, a line's end */
	{ "\xe2\x80\xae", "\\xe2\\x80\\xae" }, /* U+202E, an override */
	{ "\xe2\x81\xa9", "\\xe2\\x81\\xa9" }, /* U+2069, an isolate's end */
	{ "\xef\xbb\xbf", "\\xef\\xbb\\xbf" }, /* a byte order mark */
	{ "\xe2\x80\xa7\xe2\x80\xaf", "\xe2\x80\xa7\xe2\x80\xaf" },
	{ "\xff\xfe", "\\xff\\xfe" },
	{ "\xc3", "\\xc3" }, /* cut */
	{ "\xe2\x82", "\\xe2\\x82" },
};

START_TEST(text_is_escaped)
{
	char into[64];

	ck_assert_uint_eq(text_escape(into, sizeof(into), escapes[_i].text),
	    strlen(escapes[_i].escaped));
	ck_assert_str_eq(into, escapes[_i].escaped);
}
END_TEST

START_TEST(escaping_stops_at_a_whole_character)
{
	char into[8] = "1234567";

	ck_assert_uint_eq(text_escape(into, 5, "ab\ncd"), 4);
	ck_assert_str_eq(into, "ab\\n");
	ck_assert_uint_eq(text_escape(into, 4, "ab\ncd"), 2);
	ck_assert_str_eq(into, "ab");
	ck_assert_uint_eq(text_escape(into, 4, "ab\xc3\xbc"), 2);
	ck_assert_uint_eq(text_escape(into, 1, "ab"), 0);
	ck_assert_str_eq(into, "");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, line_in_a_file_has_time_speaker_and_level);
	tcase_add_test(tc, file_is_made_for_owner_and_group);
	tcase_add_loop_test(tc, level_holds_back_what_is_less_grave, 0, 4);
	tcase_add_test(tc, role_may_be_missing_and_is_cut);
	tcase_add_test(tc, control_characters_do_not_reach_the_log);
	tcase_add_test(tc, long_line_is_cut_and_says_so);
	tcase_add_test(tc, errno_is_left_alone_and_can_be_named);
	tcase_add_test(tc, file_is_opened_again_after_a_rename);
	tcase_add_test(tc, target_stays_when_the_new_one_cannot_be_opened);
	tcase_add_test(tc, pipe_without_a_reader_is_an_error);
	tcase_add_test(tc, lines_before_log_open_go_to_standard_error);
	tcase_add_test(tc, journal_gets_levels_and_no_time);
	tcase_add_loop_test(
	    tc, other_standard_error_than_the_journal_gets_the_time, 0, 2);
	tcase_add_test(tc, file_gives_way_to_standard_error);
	tcase_add_test(tc, syslog_gets_priority_and_tag);
	tcase_add_test(tc, syslog_that_is_away_does_not_lose_lines);
	tcase_add_test(tc, journal_is_not_told_twice);
	tcase_add_test(tc, journal_is_told_beside_a_file);
	tcase_add_test(tc, full_disk_is_told_of_when_there_is_room);
	tcase_add_test(tc, syslog_that_is_stuck_does_not_hold_up);
	tcase_add_test(tc, pipe_that_is_full_does_not_hold_up);
	tcase_add_loop_test(
	    tc, standard_error_that_is_not_read_does_not_hold_up, 0, 3);
	tcase_add_test(tc, threads_do_not_mix_lines_while_it_is_reopened);
	tcase_add_test(tc, limiter_passes_so_many_lines_in_a_period);
	tcase_add_test(tc, limiter_works_from_the_first_millisecond);
	tcase_add_test(tc, limited_line_reports_the_suppressed);
	tcase_add_test(tc, limiter_ignores_lines_below_the_level);
	tcase_add_test(tc, times_are_shown_in_utc);
	tcase_add_test(tc, clock_runs_forward_in_milliseconds);
	tcase_add_test(tc, guarded_stream_is_clean);
	tcase_add_loop_test(tc, text_is_escaped, 0, COUNT(escapes));
	tcase_add_test(tc, escaping_stops_at_a_whole_character);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
