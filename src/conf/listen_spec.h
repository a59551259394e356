/* SPDX-License-Identifier: MIT
 *
 * An entry of `listen`: an address, and what precedes the reports of the
 * agents that connect there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LISTENERS_MAX 64       /* entries of `listen` */
#define SOCKETS_MAX 128        /* of all of them: an entry may need several */
#define LISTEN_ADDRESS_MAX 272 /* bytes of an address with its port */

struct listen_spec {
	char address[LISTEN_ADDRESS_MAX]; /* ADDRESS:PORT, as it was written */
	bool proxy; /* each connection begins with a PROXY header */
	bool tls;   /* reports come through TLS */
};

/* listen_spec_parse - parse ADDRESS:PORT and the keywords after it, proxy and
   tls, in any order.
   Returns NULL, or the fault, as in "has no port". */
const char *listen_spec_parse(struct listen_spec *spec, const char *text);

/* listen_spec_words - the keywords: "", " proxy", " tls" or " proxy tls". */
const char *listen_spec_words(const struct listen_spec *spec);
