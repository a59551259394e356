/* SPDX-License-Identifier: MIT
 *
 * A word of `listen`: an address, and what comes before the reports of the
 * agents that connect there.  Pure functions.
 */
#ifndef REPORTER_LISTEN_SPEC_H
#define REPORTER_LISTEN_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#define LISTENERS_MAX 64       /* words of `listen` */
#define SOCKETS_MAX 128        /* of all of them: a word may need several */
#define LISTEN_ADDRESS_MAX 272 /* bytes of an address with its port */

struct listen_spec {
	char address[LISTEN_ADDRESS_MAX]; /* ADDRESS:PORT, as it was written */
	bool proxy; /* each connection begins with a PROXY header */
	bool tls;   /* reports come through TLS */
};

/*
 * listen_spec_parse - take apart ADDRESS:PORT and the words behind it, proxy
 * and tls, in any order.
 * Returns NULL, or what is wrong, as in "has no port".
 */
const char *listen_spec_parse(struct listen_spec *spec, const char *text);

/* listen_spec_words - "", " proxy", " tls" or " proxy tls": what it says
   behind the address. */
const char *listen_spec_words(const struct listen_spec *spec);

#endif
