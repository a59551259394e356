/* SPDX-License-Identifier: MIT
 *
 * The log.  Every line has the role and slot of its process and a stable
 * wording; reporter(8) lists them.  Any process; any thread (a line is one
 * write).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* log_open - send lines of LEVEL and more severe ones to target: "syslog",
   "stderr" or the path of a file (created with mode 0640, appended to).  May be
   called again for another target, or to reopen a file.  Before the first call
   lines go to standard error.  Standard error does not block from then on, if
   it is a pipe or a terminal.  Returns 0, or -1 with errno: then the old target
   stays in use. */
int log_open(const char *target, enum log_level level);

/* log_echo - whether lines also go to standard error, while reporter starts,
   for the administrator who starts it. */
void log_echo(bool on);

/* log_copy - also write the errors and warnings of this process to a stream,
   whatever the level of the log, each as a line of its text alone; NULL: no
   more.  While the process has one thread. */
void log_copy(FILE *stream);

/* log_role - the role of this process, as in "master" or "worker 3", up to 31
   bytes, which are copied.  Call it before threads start. */
void log_role(const char *text);

/* log_lost_lines - lines of this process that the target did not take, since
   log_role(). */
uint64_t log_lost_lines(void);

/* log_fd - the descriptor of the log file or of the socket for syslog, which a
   forked child must not close; -1 if there is none. */
int log_fd(void);

/* log_syslog_path - the socket of syslog: /dev/log; another one for tests.
   When nobody listens there, lines go to standard error. */
extern const char *log_syslog_path;

/* log_error, log_warn, log_info, log_debug - log a line of printf()'s format,
   which may contain %m.  errno is kept. */
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
void log_line(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* log_error_lines - log each line of a text that is not empty, as an error;
   NULL is allowed.  Line ends in the text are overwritten. */
void log_error_lines(char *text);

/* A rate limiter: at most `max` lines in `period_ms`; suppressed lines are
   counted and reported with the next line that passes.  Owned by the module
   that logs; used by one thread. */
struct log_limiter {
	uint32_t max;       /* lines, 1 or more */
	uint32_t period_ms; /* 1 or more */
	uint64_t began_ms;  /* zero at first */
	uint32_t passed;
	uint64_t suppressed;
};

#define LOG_PER_MINUTE(lines) \
	((struct log_limiter){ .max = (lines), .period_ms = 60000 })

/* log_limiter_pass - whether a line may pass at now_ms (a monotonic clock).
   *suppressed: set to the number of lines suppressed since the last that
   passed. */
bool log_limiter_pass(
    struct log_limiter *limiter, uint64_t now_ms, uint64_t *suppressed);

/* log_limited_passes - whether log_limited() would write a line now.  Takes
   nothing from the limiter. */
bool log_limited_passes(const struct log_limiter *limiter);

/* log_limited - log_warn() through a limiter; appends "(N similar messages
   suppressed)" when there were any.  Returns whether the line was written.
   log_limited_error - the same of log_error(). */
#define log_limited(...) log_limited_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_limited_error(...) log_limited_line(LOG_LEVEL_ERROR, __VA_ARGS__)
bool log_limited_line(enum log_level level, struct log_limiter *limiter,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
