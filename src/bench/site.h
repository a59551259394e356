/* SPDX-License-Identifier: MIT
 *
 * The site: the reporter that is measured, with what of its surroundings can
 * be reached from here.  Either our own (--self), which each benchmark sets up
 * as it needs, or one that runs already, which is taken as it is.
 */
#ifndef REPORTER_BENCH_SITE_H
#define REPORTER_BENCH_SITE_H

#include "bench/base.h"
#include "bench/bench.h"
#include "bench/generator.h"
#include "bench/rawsink.h"
#include "bench/self.h"
#include "bench/watch.h"

/* What the process that tidies up has to know of the one that measures: both
   have it in their memory. */
struct trace {
	_Atomic bool wrote;      /* our rows may be in the table */
	_Atomic uint64_t others; /* connections before the first of ours */
};

struct site {
	const struct options *options;
	struct self *self;           /* NULL: one that runs already */
	struct settings *settings;   /* NULL: no configuration is known */
	const char *conf;            /* the file they come from */
	char host[256], port[32];    /* where agents connect */
	char instance[INSTANCE_MAX]; /* "": its shared memory is out of reach */
	struct watch watch;          /* attached when there is an instance */
	struct base base;            /* connected by site_base() */
	struct rawsink sink;         /* runs from the beginning on */
	uint64_t ts;                 /* the last that site_time() gave */
	struct trace *trace;         /* set when records of ours are sent */
};

/* site_open - find out where it is.  self: NULL without --self. */
void site_open(struct site *site, const struct options *options,
    struct self *self, struct trace *trace);

/*
 * site_setup - have it run as the setup says: our own is started anew, with an
 * empty table.  One that runs already stays as it is; that it has room for the
 * keys is checked.
 */
void site_setup(struct site *site, const struct setup *setup);

/* site_close - end what we started. */
void site_close(struct site *site);

/* site_watched - whether its counters can be read. */
bool site_watched(const struct site *site);

/* site_base - a connection to its database, made when first asked for; NULL
   when nothing is known of the database. */
struct base *site_base(struct site *site);

/* site_connections - how many connections can be made; *what: what allows no
   more, in words. */
uint64_t site_connections(const struct site *site, const char **what);

/* site_tidy - take our rows out of the table of a reporter that goes on
   running, or say that they stay.  Not in the process that has a site. */
void site_tidy(const struct options *options, const struct trace *trace);

/* site_keyset - so many keys, rounded up to whole reports, that do not meet
   those of real agents. */
struct keyset site_keyset(const struct site *site, uint64_t keys);

/* site_time - a ts newer than any before: now, or a little ahead of it. */
uint64_t site_time(struct site *site);

#endif
