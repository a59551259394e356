/* SPDX-License-Identifier: MIT
 *
 * The site.  Owns the attachment to the reporter's counters, the connection to
 * its database and the raw sink.  Main thread; failures are fatal.
 */
#include "config.h"

#include "site.h"

#include "fail.h"
#include "sender.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The least modid of our keys: small as real ones are where nobody else
   reports, else out of the way. */
#define BASE_OWN 1
#define BASE_APART 2000000000
#define BASE_END 2000001000 /* beyond all of ours, probes included */

/* ------------------------------------------------------------ where it is --
 */

static void
site_load(struct site *site, const char *conf)
{
	settings_free(site->settings);
	site->settings = settings_load(conf, stderr);
	site->conf = conf;
	if (site->settings == NULL)
		fail("%s has errors", conf);
}

/* Take the port and the instance from the running one's configuration. */
static void
site_from_settings(struct site *site)
{
	const struct settings *s = site->settings;
	const char *port = strrchr(s->listen.words[0], ':');

	snprintf(site->port, sizeof(site->port), "%s",
	    port != NULL ? port + 1 : SENDER_PORT);
	/* On another host its shared memory is not ours to read. */
	if (site->options->host == NULL)
		snprintf(
		    site->instance, sizeof(site->instance), "%s", s->instance);
}

void
site_open(struct site *site, const struct options *options, struct self *self)
{
	memset(site, 0, sizeof(*site));
	site->options = options;
	site->self = self;
	/* First of all, so that it holds no descriptor of later. */
	rawsink_start(&site->sink);
	snprintf(site->host, sizeof(site->host), "%s", SENDER_HOST);
	snprintf(site->port, sizeof(site->port), "%s", SENDER_PORT);
	if (self != NULL)
		return;
	if (options->conf != NULL) {
		site_load(site, options->conf);
		site_from_settings(site);
	}
	if (options->host != NULL)
		snprintf(site->host, sizeof(site->host), "%s", options->host);
	if (options->port != NULL)
		snprintf(site->port, sizeof(site->port), "%s", options->port);
	if (options->instance != NULL)
		snprintf(site->instance, sizeof(site->instance), "%s",
		    options->instance);
	if (*site->instance != '\0')
		watch_open(&site->watch, site->instance);
}

bool
site_watched(const struct site *site)
{
	return *site->instance != '\0';
}

/* ------------------------------------------------------------- setting up --
 */

static void
site_setup_self(struct site *site, const struct setup *setup)
{
	struct self *self = site->self;

	if (site_watched(site))
		watch_close(&site->watch);
	self_stop_reporter(self);
	if (setup->database)
		self_start_database(self);
	self_start_reporter(self, setup);
	site_load(site, self->conf);
	if (setup->database && site_base(site) != NULL)
		base_run(&site->base, "TRUNCATE TABLE %s", site->base.table);
	snprintf(site->instance, sizeof(site->instance), "%s", self->instance);
	snprintf(site->port, sizeof(site->port), "%s", self->port);
	watch_open(&site->watch, site->instance);
}

void
site_setup(struct site *site, const struct setup *setup)
{
	if (site->self != NULL) {
		site_setup_self(site, setup);
		return;
	}
	if (site_watched(site) && watch_keys(&site->watch) < setup->keys)
		fail("the tables of instance %s have room for %" PRIu64
		     " keys, this needs %" PRIu64
		     ": give fewer with --keys, or raise queue.table_keys",
		    site->instance, watch_keys(&site->watch), setup->keys);
	site->wrote = true;
}

/* Take our rows out again, if we may. */
static void
site_tidy(struct site *site)
{
	struct base *base = site_base(site);

	if (base == NULL) {
		fprintf(stderr,
		    "reporter-bench: rows with modid %d and up were written; "
		    "delete them from the table\n",
		    BASE_APART);
	} else if (!base_may(base,
		       "DELETE FROM %s WHERE modid BETWEEN %d AND %d",
		       base->table, BASE_APART, BASE_END)) {
		fprintf(stderr,
		    "reporter-bench: rows with modid %d and up stay in the "
		    "table: %s\n",
		    BASE_APART, base_error(base));
	}
}

void
site_close(struct site *site)
{
	if (site->self != NULL)
		self_stop_reporter(site->self);
	else if (site->wrote)
		site_tidy(site);
	if (site_watched(site))
		watch_close(&site->watch);
	base_close(&site->base);
	settings_free(site->settings);
	rawsink_stop(&site->sink);
}

/* ---------------------------------------------------------------- the rest --
 */

struct base *
site_base(struct site *site)
{
	if (site->base.mysql == NULL && site->settings != NULL)
		base_open(&site->base, site->settings, site->conf);
	return site->base.mysql != NULL ? &site->base : NULL;
}

struct keyset
site_keyset(const struct site *site, uint64_t keys)
{
	return (struct keyset){
		.base = site->self != NULL ? BASE_OWN : BASE_APART,
		.keys = (keys + KEYSET_RESULTS - 1) / KEYSET_RESULTS *
			KEYSET_RESULTS,
	};
}

uint64_t
site_time(struct site *site)
{
	uint64_t now = (uint64_t)time(NULL);

	site->ts = now > site->ts ? now : site->ts + 1;
	return site->ts;
}
