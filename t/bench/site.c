/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "t/bench/bench.h"
#include "lib/address.h"

#include <string.h>
#include <time.h>

/* First modid with a private reporter, as small as real ones. */
#define BASE_OWN 1

struct site site;
static uint64_t newest; /* ts */

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

/* Read the settings, and the address of a plain listener. */
static void
conf_read(const char *conf)
{
	static struct address address;
	static char port[8];
	struct endpoint *to = &site.reporter;

	site.settings = settings_load(conf, stderr);
	if (site.settings == NULL)
		fail("%s has errors", conf);
	if (listener_plain(&address)) {
		snprintf(
		    port, sizeof(port), "%u", (unsigned)address.port & 65535);
		to->port = port;
		/* A wildcard address leads to this machine. */
		if (*address.host != '\0' &&
		    strcmp(address.host, "0.0.0.0") != 0 &&
		    strcmp(address.host, "::") != 0)
			to->host = address.host;
	} else if (parameter_text("port") == NULL) {
		fail("%s: each listener requires TLS or a PROXY header: give "
		     "a port with -p",
		    conf);
	}
}

void
site_open(uint64_t keys)
{
	const char *conf = parameter_text("conf");
	const char *host = parameter_text("host");
	const char *port = parameter_text("port");
	const char *instance = parameter_text("instance");

	site.reporter =
	    (struct endpoint){ "reporter", SENDER_HOST, SENDER_PORT };
	if (conf != NULL) {
		conf_read(conf);
		/* On another host its shared memory is out of reach. */
		if (host == NULL && instance == NULL)
			instance = site.settings->instance;
	}
	if (host != NULL)
		site.reporter.host = host;
	if (port != NULL)
		site.reporter.port = port;
	if (instance == NULL || parameter("unwatched"))
		return;
	watch_open(instance);
	fact("workers", json_integer(watch.workers));
	if (watch.keys < keys)
		fail("the tables of instance %s have room for %" PRIu64
		     " keys, but this requires %" PRIu64
		     ": give fewer with --keys, or raise queue.table_keys",
		    instance, watch.keys, keys);
}

bool
site_self(void)
{
	return parameter("self") != 0;
}

struct keyset
site_keyset(uint64_t keys)
{
	return (struct keyset){
		.base = site_self() ? BASE_OWN : SITE_MODID,
		.keys = keys,
	};
}

uint64_t
site_time(void)
{
	uint64_t now = (uint64_t)time(NULL);

	if (newest == 0)
		newest = (uint64_t)parameter("ts");
	newest = now > newest ? now : newest + 1;
	return newest;
}

void
site_close(void)
{
	if (newest > 0)
		fact("ts", json_integer((json_int_t)newest));
}
