/* SPDX-License-Identifier: MIT
 *
 * reporter-web: looks at the instance again and again, in a thread of its own,
 * whether or not somebody asks: a page shows its history from the first moment.
 */
#pragma once

#include "status/timeline.h"
#include "status/look.h"
#include "status/names.h"

struct sampler_settings {
	const char *instance;
	struct look_limits limits;
	const char *names;   /* the file with names of services */
	bool names_optional; /* it need not exist */
};

/* What is known now.  look stays the last one as long as none can be made. */
struct sample {
	uint64_t number;      /* ms since 1970; grows with each sample */
	struct look *look;    /* NULL: there was none yet */
	double look_ms;       /* that it took */
	double interval_s;    /* until the next */
	const char *reporter; /* "running", "stopped", "unresponsive",
				 "other_layout" or "unreadable" */
	const char *reason;   /* why it is not running; "" */
	bool connected;       /* all workers, to the database */
	uint64_t behind_s;    /* that keys have been waiting for the database */
	uint64_t agents;      /* connected */
	struct timeline *timeline;
	struct names *names;
};

struct sampler;

/* sampler_start - make the first sample, and the others in a thread.  The
   settings belong to the caller and must stay valid.  Returns NULL: logged. */
struct sampler *sampler_start(const struct sampler_settings *settings);

/* sampler_borrow - the current sample, for reading until sampler_return(): no
   new one takes its place meanwhile.  Any thread. */
const struct sample *sampler_borrow(struct sampler *sampler);
void sampler_return(struct sampler *sampler);

/* sampler_number - the number of the current sample.  Any thread. */
uint64_t sampler_number(struct sampler *sampler);

/* sampler_stop - end the thread and free all. */
void sampler_stop(struct sampler *sampler);
