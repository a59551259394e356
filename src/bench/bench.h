/* SPDX-License-Identifier: MIT
 *
 * reporter-bench: what its parts share.  A program of its own, apart from the
 * daemon; everything here runs in its one process (and main thread) unless a
 * header says otherwise.
 */
#ifndef REPORTER_BENCH_H
#define REPORTER_BENCH_H

#include "send/encode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIST_MAX 8

/* Numbers of an option such as --keys 10000,100000. */
struct list {
	size_t n; /* 0: not given */
	uint64_t value[LIST_MAX];
};

/* The command line. */
struct options {
	bool self, json, strict, brief;
	const char *conf, *host, *port, *instance; /* NULL: not given */
	const char *server;                        /* the daemon's program */
	unsigned rounds, samples;                  /* 0: not given */
	double seconds;       /* of one run; 0: not given */
	unsigned chunk;       /* bytes of one write; 0: not given */
	double away;          /* seconds that the database is stopped */
	uint64_t interval_ms; /* flush_interval with --self */
	bool dialect_given;
	enum encode_dialect dialect;
	struct list keys, connections, workers, rate;
};

/* What a benchmark works with. */
struct bench {
	const struct options *options;
	struct results *results;
	struct site *site;
	double goal[16]; /* figures for the targets, by enum goal; NAN: none */
	bool judged;     /* the targets were shown */
};

/* The benchmarks, one file each.  Whatever makes a figure impossible or
   wrong ends the program: see fail(). */
void absorb_run(struct bench *bench);
void flat_run(struct bench *bench);
void flush_run(struct bench *bench);
void cost_run(struct bench *bench);
void fresh_run(struct bench *bench);
void backlog_run(struct bench *bench);
void targets_run(struct bench *bench);

/* list_or - the list, or these numbers when none was given. */
struct list list_or(const struct list *list, size_t n, const uint64_t *values);

/* list_read - numbers from 1 to most, separated by commas, each perhaps with
   k or M behind it.  Returns whether the text is such a list. */
bool list_read(struct list *list, const char *text, uint64_t max);

/* bench_rounds, bench_seconds, bench_chunk - as given, or this benchmark's own.
 */
unsigned bench_rounds(const struct bench *bench, unsigned own);
double bench_seconds(const struct bench *bench, double own);
uint64_t bench_chunk(const struct bench *bench, uint64_t own);

#endif
