/* SPDX-License-Identifier: MIT
 *
 * Notices.  The table of callers has one place for each hash: a caller that was
 * displaced is not recognized.
 */
#include "config.h"

#include "edge/notice.h"
#include "lib/address.h"
#include "lib/prefix.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const struct {
	const char *text;
	const char *begin[7];
} strangers[NOTICE_STRANGERS] = {
	{ "an HTTP request",
	    { "GET ", "HEAD ", "POST ", "PUT ", "OPTIONS ", "PRI * " } },
	{ "TLS, on a listener without tls", { "\x16\x03" } },
	{ "a PROXY header, on a listener without proxy",
	    { "PROXY ", "\r\n\r\n" } },
	{ "SSH", { "SSH-" } },
	{ "the middle of a frame or an unknown protocol", { "" } },
};

/* Which kind of stranger begins with these bytes; the last one always does. */
static size_t
stranger_of(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0;; i++) {
		for (const char *const *b = strangers[i].begin; *b; b++) {
			size_t size = strlen(*b);

			if (length >= size && memcmp(bytes, *b, size) == 0)
				return i;
		}
	}
}

void
notices_init(struct notices *notices)
{
	for (size_t i = 0; i < NOTICE_STRANGERS; i++)
		notices->stranger[i] = LOG_PER_MINUTE(1);
	notices->loopback = LOG_PER_MINUTE(5);
	notices->shared = LOG_PER_MINUTE(5);
}

void
notice_stranger(struct notices *notices, const struct sockaddr *peer,
    const uint8_t *bytes, size_t length)
{
	size_t kind = stranger_of(bytes, length);
	char name[ADDRESS_TEXT];

	log_limited(&notices->stranger[kind],
	    "agent %s: begins with %s: closed", address_text(peer, name),
	    strangers[kind].text);
}

/* Remember this address of a caller, in network byte order.  Returns the
   different one that was remembered, or 0. */
static uint32_t
caller_move(struct notices *notices, uint32_t caller, uint32_t address)
{
	/* A multiple of the golden ratio: its upper bits are a good hash. */
	uint32_t hash = caller * UINT32_C(0x9e3779b9),
		 place = hash / (UINT32_MAX / NOTICE_CALLERS + 1), before = 0;

	if (notices->last[place].caller == caller &&
	    notices->last[place].address != address)
		before = notices->last[place].address;
	notices->last[place].caller = caller;
	notices->last[place].address = address;
	return before;
}

void
notice_caller(
    struct notices *notices, const struct sockaddr *peer, uint32_t caller)
{
	char name[ADDRESS_TEXT], text[DOTTED_TEXT], other[DOTTED_TEXT];
	uint32_t address;
	int family;
	const uint8_t *bytes = prefix_peer_bytes(peer, &family);

	if (bytes == NULL ||
	    (family == AF_INET ? bytes[0] == IN_LOOPBACKNET
			       : memcmp(bytes, &in6addr_loopback, 16) == 0))
		return;
	address_text(peer, name);
	dotted(caller, text);
	if (caller >> 24 == IN_LOOPBACKNET) {
		log_limited(&notices->loopback,
		    "agent %s: reports as loopback caller %s, as other hosts "
		    "may: correct the address of its host name, or set "
		    "limits.check_caller = replace",
		    name, text);
		return;
	}
	if (family != AF_INET)
		return;
	memcpy(&address, bytes, sizeof(address));
	address = caller_move(notices, caller, address);
	if (address != 0)
		log_limited(&notices->shared,
		    "agent %s: reports as caller %s, as %s did: they overwrite "
		    "each other's rows; see limits.check_caller",
		    name, text, dotted(ntohl(address), other));
}
