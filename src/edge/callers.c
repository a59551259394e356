/* SPDX-License-Identifier: MIT
 *
 * Who reports as which caller: a table without collisions to resolve, since a
 * caller that is forgotten only goes unnoticed.
 */
#include "config.h"

#include "edge/callers.h"
#include "lib/address.h"
#include "lib/prefix.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define LOOPBACK 127 /* first byte of the address */

static bool
peer_is_loopback(const uint8_t *bytes, int family)
{
	return family == AF_INET ? bytes[0] == LOOPBACK
				 : memcmp(bytes, &in6addr_loopback, 16) == 0;
}

static const char *
caller_text(uint32_t caller, char *text)
{
	const struct in_addr address = { htonl(caller) };

	return inet_ntop(AF_INET, &address, text, INET_ADDRSTRLEN);
}

/* Remember the address.  Returns the other one that the caller had, or 0. */
static uint32_t
caller_move(struct callers *callers, uint32_t caller, uint32_t address)
{
	/* A multiple of the golden ratio: its upper bits are a good hash. */
	uint32_t place = (uint32_t)((uint64_t)(caller * UINT32_C(0x9e3779b9)) *
					CALLERS_MAX >>
				    32);
	uint32_t before = callers->last[place].caller == caller
			      ? callers->last[place].address
			      : 0;

	callers->last[place].caller = caller;
	callers->last[place].address = address;
	return before != address ? before : 0;
}

void
callers_note(
    struct callers *callers, const struct sockaddr *peer, uint32_t caller)
{
	char name[ADDRESS_TEXT], text[INET_ADDRSTRLEN], other[INET_ADDRSTRLEN];
	int family;
	const uint8_t *bytes = prefix_peer_bytes(peer, &family);
	uint32_t address, before;

	if (bytes == NULL || peer_is_loopback(bytes, family))
		return;
	if (caller >> 24 == LOOPBACK) {
		log_limited(&callers->lines,
		    "agent %s: reports as loopback caller %s, as other hosts "
		    "may: correct the address of its host name, or set "
		    "limits.check_caller = replace",
		    address_text(peer, name), caller_text(caller, text));
		return;
	}
	if (family != AF_INET)
		return;
	memcpy(&address, bytes, sizeof(address));
	before = caller_move(callers, caller, ntohl(address));
	if (before != 0)
		log_limited(&callers->lines,
		    "agent %s: reports as caller %s, as %s did: they overwrite "
		    "each other's rows; see limits.check_caller",
		    address_text(peer, name), caller_text(caller, text),
		    caller_text(before, other));
}
