/* SPDX-License-Identifier: MIT
 *
 * The log.  Every line says who speaks (role, slot) and has a stable wording;
 * reporter(8) lists them.  Any process; any thread (a line is one write).
 */
#ifndef REPORTER_LOG_H
#define REPORTER_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/*
 * log_open - send lines of LEVEL and graver to target: "syslog", "stderr" or
 * a file's path (made with mode 0640, appended to).  May be called again for
 * another target, or to reopen a file.  Before the first call lines go to
 * standard error.  Returns 0, or -1 with errno: then the target before stays
 * in use.
 */
int log_open(const char *target, enum log_level level);

/* log_echo - whether lines also go to standard error, wherever else they go:
   while reporter starts, for the person who started it. */
void log_echo(bool on);

/* log_role - who speaks from now on, as in "master" or "worker 3".  The text
   is copied, up to 31 bytes.  Call it before threads start. */
void log_role(const char *role);

/* log_fd - the descriptor of the log's file or of its socket for syslog, to be
   kept open by a forked child; -1 if there is none. */
int log_fd(void);

/* log_syslog_path - where syslog listens: /dev/log; another one for tests.
   When nobody listens there, lines go to standard error. */
extern const char *log_syslog_path;

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* log_error_lines - log each line of a text that is not empty, as an error;
   NULL is allowed.  The text is cut into its lines. */
void log_error_lines(char *text);

/*
 * A brake for lines that may come in masses: at most `most` lines in
 * `period_ms`; what was held back is counted and said with the next line that
 * passes.  Owned by the module that logs; used by one thread.
 */
struct log_brake {
	uint32_t max;       /* lines, 1 or more */
	uint32_t period_ms; /* 1 or more */
	uint64_t began_ms;  /* zero at first */
	uint32_t passed;
	uint64_t held;
};

/*
 * log_brake_pass - whether a line may pass at now_ms (a monotonic clock).
 * *held: set to the number of lines held back since the last that passed.
 */
bool log_brake_pass(struct log_brake *brake, uint64_t now_ms, uint64_t *held);

/* log_braked - log_warn() through a brake; adds "(N more like it held back)"
   when there were any. */
void log_braked(struct log_brake *brake, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
