/* SPDX-License-Identifier: MIT
 *
 * Owns the looks, the timeline and the names.  They are made without the lock;
 * it is held while they are exchanged, and while an answer is written from
 * them.  An instance that cannot be read is a sample, too.
 */
#include "config.h"

#include "web/sampler.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "status/status.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define LOOK_SHARE 0.02 /* of a processor, for looks */
#define ASK_MS 1000u    /* between two questions whether the reporter runs */

struct sampler {
	const struct sampler_settings *settings;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stop;
	bool stopping;        /* under the lock */
	struct sample sample; /* written by the thread, under the lock */
	struct status status; /* these are the thread's */
	uint64_t looked_ms;   /* monotonic */
};

static void
complain(const char *text)
{
	log_warn("%s", text);
}

/* Note whether the reporter runs, its database and its agents. */
static void
reporter_ask(struct sampler *sampler, struct sample *s)
{
	struct status *status = &sampler->status;
	enum shm_status found =
	    status_collect(status, sampler->settings->instance);

	s->reason = "";
	s->reporter = "running";
	s->connected = false;
	s->agents = s->behind_s = 0;
	if (found == SHM_OK && status->running) {
		if (status->master_age > STATUS_NOT_RESPONDING)
			s->reporter = "unresponsive";
		s->connected = status->count > 0;
		s->agents = counter_get(&status->input.connections);
		STATUS_WORKERS(w, status) {
			s->connected &= !w->running || w->connected;
			if (w->lag > s->behind_s)
				s->behind_s = w->lag;
		}
		return;
	}
	s->reason = found == SHM_OK ? "not running" : status_reason(found);
	s->reporter =
	    found == SHM_OK || found == SHM_MISSING || found == SHM_UNFINISHED
		? "stopped"
	    : found == SHM_VERSION ? "other_layout"
				   : "unreadable";
}

/* Make the previous sample a new one.  The caller frees what it replaced. */
static void
sample_look(struct sampler *sampler, struct sample *s)
{
	const struct sampler_settings *settings = sampler->settings;
	uint64_t now_ms = realtime_ms();
	struct look *look;

	uint64_t began = monotonic_us();
	sampler->looked_ms = began / 1000;
	s->interval_s = TIMELINE_STEP_S;
	if (look_new(&look, settings->instance, s->look, &settings->limits,
		now_ms) == SHM_OK) {
		s->look = look;
		s->look_ms = (double)(monotonic_us() - began) / 1000;
		double longer = look->totals.walk_ms / 1000 / LOOK_SHARE;
		/* The first has to search all keys, those after it do not. */
		if (look->totals.number > 1 && longer > s->interval_s)
			s->interval_s = longer;
	}
	struct names *names = names_read(
	    settings->names, settings->names_optional, s->names, complain);
	if (names != NULL)
		s->names = names;
	s->number = now_ms > s->number ? now_ms : s->number + 1;
}

/* Take a new sample if it is time, or if the reporter's state has changed. */
static void
sample_take(struct sampler *sampler)
{
	struct sample old = sampler->sample, s = old;

	reporter_ask(sampler, &s);
	if (s.reporter == old.reporter && s.connected == old.connected &&
	    (double)(monotonic_ms() - sampler->looked_ms) <
		s.interval_s * 1000 - ASK_MS / 2)
		return;
	sample_look(sampler, &s);
	pthread_mutex_lock(&sampler->lock);
	sampler->sample = s;
	if (s.look != old.look)
		timeline_add(s.timeline, s.look,
		    s.interval_s > old.interval_s ? s.interval_s
						  : old.interval_s);
	pthread_mutex_unlock(&sampler->lock);
	if (s.look != old.look)
		look_free(old.look);
	if (s.names != old.names)
		names_free(old.names);
}

static void *
sampler_run(void *arg)
{
	struct sampler *sampler = arg;

	pthread_mutex_lock(&sampler->lock);
	while (!sampler->stopping) {
		struct timespec until = monotonic_after(ASK_MS);

		if (pthread_cond_clockwait(&sampler->stop, &sampler->lock,
			CLOCK_MONOTONIC, &until) == 0)
			continue;
		pthread_mutex_unlock(&sampler->lock);
		sample_take(sampler);
		pthread_mutex_lock(&sampler->lock);
	}
	pthread_mutex_unlock(&sampler->lock);
	return NULL;
}

struct sampler *
sampler_start(const struct sampler_settings *settings)
{
	struct sampler *sampler = calloc(1, sizeof(*sampler));

	if (sampler != NULL)
		sampler->sample.timeline = timeline_new();
	if (sampler == NULL || sampler->sample.timeline == NULL) {
		log_error("cannot start the sampler: %m");
		free(sampler);
		return NULL;
	}
	sampler->settings = settings;
	pthread_mutex_init(&sampler->lock, NULL);
	pthread_cond_init(&sampler->stop, NULL);
	sample_take(sampler);
	errno = pthread_create(&sampler->thread, NULL, sampler_run, sampler);
	if (errno == 0)
		return sampler;
	log_error("cannot start the sampler: %m");
	return NULL;
}

const struct sample *
sampler_borrow(struct sampler *sampler)
{
	pthread_mutex_lock(&sampler->lock);
	return &sampler->sample;
}

void
sampler_return(struct sampler *sampler)
{
	pthread_mutex_unlock(&sampler->lock);
}

uint64_t
sampler_number(struct sampler *sampler)
{
	uint64_t number = sampler_borrow(sampler)->number;

	sampler_return(sampler);
	return number;
}

void
sampler_stop(struct sampler *sampler)
{
	pthread_mutex_lock(&sampler->lock);
	sampler->stopping = true;
	pthread_cond_signal(&sampler->stop);
	pthread_mutex_unlock(&sampler->lock);
	pthread_join(sampler->thread, NULL);
	look_free(sampler->sample.look);
	names_free(sampler->sample.names);
	free(sampler->sample.timeline);
	free(sampler);
}
