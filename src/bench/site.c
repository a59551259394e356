/* SPDX-License-Identifier: MIT
 *
 * The site as a whole.
 */
#include "config.h"

#include "bench/bench.h"
#include "conf/listen_spec.h"
#include "lib/address.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* The smallest modid of our keys: as real ones are where nobody else reports,
   otherwise out of their way. */
#define BASE_OWN 1
#define BASE_APART 2000000000
#define BASE_END 2000001000 /* beyond all of ours, probes included */

#define SELF_BESIDE 80   /* descriptors that a reporter needs more than we */
#define TIDY_PATIENCE 30 /* seconds */

struct site site;

/* What the process that tidies up has to know. */
static struct trace {
	_Atomic bool wrote;      /* our rows may be in the table */
	_Atomic uint64_t others; /* connections before the first of ours */
} * trace;

static void
settings_read(const char *conf)
{
	settings_free(site.settings);
	site.settings = settings_load(conf, stderr);
	site.conf = conf;
	if (site.settings == NULL)
		fail("%s has errors", conf);
}

/* Take the address of the first listener that takes reports as we send them.
   Returns false when there is none. */
static bool
listener_plain(struct address *address)
{
	const struct settings *s = site.settings;
	static struct listen_spec spec;

	for (size_t i = 0; i < s->listen.count; i++)
		if (listen_spec_parse(&spec, s->listen.words[i]) == NULL &&
		    !spec.tls && !spec.proxy &&
		    address_parse(address, spec.address) == NULL)
			return true;
	return false;
}

/* Whether connecting to this address leads to this machine. */
static bool
address_any(const char *host)
{
	return *host == '\0' || strcmp(host, "0.0.0.0") == 0 ||
	       strcmp(host, "::") == 0;
}

/* Find out where the reporter is, whose configuration is conf, unless NULL. */
static void
site_find(const char *conf)
{
	const struct options *o = &options;
	static struct address address;
	const char *instance = o->instance, *host = SENDER_HOST;
	static char port[8] = SENDER_PORT;

	if (conf != NULL) {
		settings_read(conf);
		/* On another host its shared memory is out of reach. */
		if (o->host == NULL && instance == NULL)
			instance = site.settings->instance;
		if (listener_plain(&address)) {
			snprintf(port, sizeof(port), "%u",
			    (unsigned)address.port & 65535);
			if (!address_any(address.host))
				host = address.host;
		} else if (o->port == NULL) {
			fail("%s: each listener requires TLS or a PROXY "
			     "header: give a port with -p",
			    conf);
		}
	}
	site.reporter =
	    (struct endpoint){ "reporter", o->host != NULL ? o->host : host,
		    o->port != NULL ? o->port : port };
	if (instance != NULL) {
		snprintf(site.instance, sizeof(site.instance), "%s", instance);
		watch_open(instance);
	}
}

void
site_open(void)
{
	/* First, so that it holds no descriptor of ours. */
	rawsink_start();
	if (!options.self)
		site_find(options.conf);
}

void
site_setup(const struct setup *setup)
{
	if (options.self) {
		watch_close();
		site_find(own_start(setup));
	} else {
		if (watch_workers() > 0 && watch_keys(NULL) < setup->keys)
			fail("the tables of instance %s have room for %" PRIu64
			     " keys, but this requires %" PRIu64
			     ": give fewer with --keys, or raise "
			     "queue.table_keys",
			    site.instance, watch_keys(NULL), setup->keys);
		if (!trace->wrote && watch_workers() > 0)
			trace->others = watch_connections();
		trace->wrote = true;
	}
	if (setup->database)
		base_open(site.settings, site.conf);
	if (setup->database && options.self)
		base_run("TRUNCATE TABLE %s", base_table);
}

void
site_close(void)
{
	watch_close();
	base_close();
	settings_free(site.settings);
	rawsink_stop();
}

uint64_t
site_connections(const char **what)
{
	uint64_t limit = generator_limit();

	*what = "the limit of open files here (ulimit -Hn)";
	/* Our own reporter has the same limit, and needs more besides. */
	if (options.self)
		return limit > SELF_BESIDE ? limit - SELF_BESIDE : 1;
	if (site.settings != NULL && site.settings->max_connections < limit) {
		*what = "the reporter's limits.max_connections";
		limit = site.settings->max_connections;
	}
	return limit;
}

struct keyset
site_keyset(uint64_t keys)
{
	return (struct keyset){
		.base = options.self ? BASE_OWN : BASE_APART,
		.keys = (keys + KEYSET_RESULTS - 1) / KEYSET_RESULTS *
			KEYSET_RESULTS,
	};
}

uint64_t
site_time(void)
{
	static uint64_t last;
	uint64_t now = (uint64_t)time(NULL);

	last = now > last ? now : last + 1;
	return last;
}

struct cpu
cpu_read(void)
{
	struct cpu cpu = { .sink = process_cpu(rawsink.pid), .database = NAN };
	pid_t pids[1 + WORKERS_MAX];
	unsigned n = watch_pids(pids);

	for (unsigned i = 0; i < n; i++)
		*(i == 0 ? &cpu.master : &cpu.workers) += process_cpu(pids[i]);
	pid_t database = own_database();
	if (database > 0)
		cpu.database = process_cpu(database);
	return cpu;
}

void
site_share(void)
{
	trace = mmap(NULL, sizeof(*trace), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (trace == MAP_FAILED)
		fail("cannot map shared memory: %m");
}

static void
tidy_failed(const char *text)
{
	(void)text;
	notice("rows with modid %d and up stay in the table", BASE_APART);
}

void
site_tidy(void)
{
	struct wait wait = { NULL, TIDY_PATIENCE, 10e-3, 0, 0 };
	const char *instance = options.instance;

	if (!trace->wrote)
		return;
	if (options.conf == NULL) {
		notice("rows with modid %d and up were written; delete them "
		       "from the table",
		    BASE_APART);
		return;
	}
	fail_hook(tidy_failed);
	settings_read(options.conf);
	if (instance == NULL && options.host == NULL)
		instance = site.settings->instance;
	base_open(site.settings, site.conf);
	/* Records that are flushed later would bring their rows back.  Some
	   may not even have been read: those connections are still open. */
	if (instance != NULL) {
		watch_open(instance);
		while (wait_more(&wait,
		    watch_connections() > trace->others || !watch_empty()))
			continue;
		watch_close();
	}
	base_run("DELETE FROM %s WHERE modid BETWEEN %d AND %d", base_table,
	    BASE_APART, BASE_END);
	base_close();
	settings_free(site.settings);
}
