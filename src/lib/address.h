/* SPDX-License-Identifier: MIT
 *
 * Addresses as people write them, HOST:PORT, and entries of `listen`.  Only
 * their form is checked, nothing is resolved.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_HOST_MAX 254 /* bytes of a host, with the 0 */

struct address {
	/* An IPv4 or IPv6 address (without brackets) or a host name; "" is
	   every address of this machine, written as an asterisk. */
	char host[ADDRESS_HOST_MAX];
	int port; /* 0 to 65535, -1 when none was given */
};

/* address_parse - parse ADDRESS:PORT, [ADDRESS6]:PORT, NAME:PORT, *:PORT
   or each of them without :PORT.
   Returns NULL, or the fault, as in "has a port above 65535". */
const char *address_parse(struct address *address, const char *text);

/* address_same - whether both are the same IPv4 or IPv6 address and port. */
bool address_same(const struct sockaddr *a, const struct sockaddr *b);

#define ADDRESS_TEXT 64 /* bytes that address_text() needs */

/* address_text - an IPv4 or IPv6 address and port as text, of ADDRESS_TEXT
   bytes at most; "unknown" for another family.  Returns text. */
const char *address_text(const struct sockaddr *address, char *text);

#define DOTTED_TEXT 16 /* bytes that dotted() needs */

/* dotted - an IPv4 address, given as a number, as text.  Returns text. */
const char *dotted(uint32_t address, char text[DOTTED_TEXT]);

#define LISTENERS_MAX 64       /* entries of `listen` */
#define SOCKETS_MAX 128        /* of all of them: an entry may need several */
#define LISTEN_ADDRESS_MAX 272 /* bytes of an address with its port */

/* An entry of `listen`: an address, and what precedes the reports of the agents
   that connect there. */
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
