/* SPDX-License-Identifier: MIT
 *
 * The site.  Owns the attachment to the reporter's counters, the connection to
 * its database and the raw sink.  Main thread; failures are fatal.
 */
#include "config.h"

#include "bench/site.h"

#include "lib/address.h"
#include "bench/fail.h"
#include "conf/listen_spec.h"
#include "send/sender.h"

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

#define SELF_BESIDE 80   /* descriptors that a reporter needs more than we */
#define TIDY_PATIENCE 30 /* seconds */

/* -------------------------------------------------------- where it is ---- */

static void
site_load(struct site *site, const char *conf)
{
	settings_free(site->settings);
	site->settings = settings_load(conf, stderr);
	site->conf = conf;
	if (site->settings == NULL)
		fail("%s has errors", conf);
}

/* A listener that takes reports as we send them; NULL when there is none. */
static const char *
listener_plain(const struct settings *s, struct address *address)
{
	static struct listen_spec spec;

	for (size_t i = 0; i < s->listen.count; i++)
		if (listen_spec_parse(&spec, s->listen.words[i]) == NULL &&
		    !spec.tls && !spec.proxy &&
		    address_parse(address, spec.address) == NULL)
			return spec.address;
	return NULL;
}

/* Whether connecting to this address leads to this machine. */
static bool
address_any(const char *host)
{
	return *host == '\0' || strcmp(host, "0.0.0.0") == 0 ||
	       strcmp(host, "::") == 0;
}

/* Take the address and the instance from the running one's configuration. */
static void
site_from_settings(struct site *site)
{
	const struct settings *s = site->settings;
	struct address address;

	/* On another host its shared memory is not ours to read. */
	if (site->options->host == NULL)
		snprintf(
		    site->instance, sizeof(site->instance), "%s", s->instance);
	if (listener_plain(s, &address) == NULL) {
		if (site->options->port == NULL)
			fail("%s: each listener has TLS or a PROXY header: "
			     "name a port with -p",
			    site->conf);
		return;
	}
	snprintf(site->port, sizeof(site->port), "%d", address.port);
	if (!address_any(address.host))
		snprintf(site->host, sizeof(site->host), "%s", address.host);
}

void
site_open(struct site *site, const struct options *options, struct self *self,
    struct trace *trace)
{
	memset(site, 0, sizeof(*site));
	site->trace = trace;
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

/* --------------------------------------------------------- setting up ---- */

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
	if (!site->trace->wrote && site_watched(site))
		site->trace->others = watch_connections(&site->watch);
	site->trace->wrote = true;
}

void
site_close(struct site *site)
{
	if (site->self != NULL)
		self_stop_reporter(site->self);
	if (site_watched(site))
		watch_close(&site->watch);
	base_close(&site->base);
	settings_free(site->settings);
	rawsink_stop(&site->sink);
}

/* ----------------------------------------------------------- the rest ---- */

struct base *
site_base(struct site *site)
{
	if (site->base.mysql == NULL && site->settings != NULL)
		base_open(&site->base, site->settings, site->conf);
	return site->base.mysql != NULL ? &site->base : NULL;
}

uint64_t
site_connections(const struct site *site, const char **what)
{
	uint64_t limit = generator_limit();

	*what = "the limit of open files here (ulimit -Hn)";
	/* Our own reporter has the same limit, and needs more besides. */
	if (site->self != NULL)
		return limit > SELF_BESIDE ? limit - SELF_BESIDE : 1;
	if (site->settings != NULL && site->settings->max_connections < limit) {
		*what = "the reporter's limits.max_connections";
		limit = site->settings->max_connections;
	}
	return limit;
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

/* ------------------------------------------------------------ tidying ---- */

/* Our last records must be in the table before their rows are deleted, or they
   would come back.  Some of those that a process has sent which was ended may
   not even be read: its connections are closed when they are. */
static void
tidy_wait(const char *instance, uint64_t others)
{
	double deadline = clock_now() + TIDY_PATIENCE;
	struct watch watch;

	watch_open(&watch, instance);
	while (!(watch_connections(&watch) <= others && watch_empty(&watch)) &&
	       clock_now() < deadline)
		clock_sleep(10e-3);
	watch_close(&watch);
}

static void
tidy_failed(void *arg, const char *text)
{
	(void)arg;
	(void)text;
	notice("rows with modid %d and up stay in the table", BASE_APART);
}

void
site_tidy(const struct options *options, const struct trace *trace)
{
	struct site site = { .options = options };

	if (options->conf == NULL) {
		notice("rows with modid %d and up were written; delete them "
		       "from the table",
		    BASE_APART);
		return;
	}
	fail_tell(tidy_failed, NULL);
	site_load(&site, options->conf);
	struct base *base = site_base(&site);
	if (options->instance != NULL || options->host == NULL)
		tidy_wait(options->instance != NULL ? options->instance
						    : site.settings->instance,
		    trace->others);
	base_run(base, "DELETE FROM %s WHERE modid BETWEEN %d AND %d",
	    base->table, BASE_APART, BASE_END);
	base_close(&site.base);
	settings_free(site.settings);
}
