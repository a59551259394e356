/* SPDX-License-Identifier: MIT
 *
 * The PROXY header of a connection, from the socket to the rules.
 */
#include "config.h"

#include "edge/header.h"
#include "edge/proxy.h"
#include "edge/server.h"
#include "lib/address.h"

#include <errno.h>
#include <string.h>

/* Let the agent's address in, or not. */
static enum progress
header_admit(struct server *server, struct conn *conn,
    const struct proxy_header *header, enum closing *why)
{
	const struct sockaddr *peer = (const struct sockaddr *)&conn->peer;
	char balancer[ADDRESS_TEXT], agent[ADDRESS_TEXT];
	enum refusal refusal;

	address_text(peer, balancer);
	memset(&conn->peer, 0, sizeof(conn->peer));
	memcpy(&conn->peer, &header->source,
	    header->source.any.sa_family == AF_INET
		? sizeof(header->source.in)
		: sizeof(header->source.in6));
	conn->origin = admission_identify(&server->admission, peer, &refusal);
	if (conn->origin != NULL)
		return PROGRESS_MADE;
	counter_add(&server->count->refused[refusal], 1);
	log_limited(&server->refusals, "agent %s: refused: %s; passed on by %s",
	    address_text(peer, agent), refusal_text(refusal), balancer);
	*why = CLOSING_REFUSED;
	return PROGRESS_CLOSED;
}

/* A header that is not complete, or at its end, and its bytes, of which the
   last n are in the socket yet. */
static enum progress
header_take(struct server *server, struct conn *conn,
    const struct proxy_header *header, size_t n, enum closing *why)
{
	struct inbuf *inbuf = &conn->inbuf;
	uint8_t *fresh = server->buffer + inbuf->length;

	*why = CLOSING_BY_AGENT;
	if (recv(conn->fd, fresh, n, 0) != (ssize_t)n)
		return PROGRESS_CLOSED;
	if (header->verdict == PROXY_SHORT) {
		*why = CLOSING_NO_MEMORY;
		return inbuf_append(inbuf, fresh, n) == 0 ? PROGRESS_NONE
							  : PROGRESS_CLOSED;
	}
	inbuf_free(inbuf);
	/* Version 1 has no command LOCAL: a balancer's own connection has its
	   own address. */
	if (header->verdict == PROXY_OWN ||
	    address_same((struct sockaddr *)&conn->peer, &header->source.any))
		return PROGRESS_MADE;
	return header_admit(server, conn, header, why);
}

enum progress
header_read(struct server *server, struct conn *conn, enum closing *why)
{
	size_t before = conn->inbuf.length;
	struct proxy_header header;
	char balancer[ADDRESS_TEXT];

	if (before > 0)
		memcpy(server->buffer, inbuf_bytes(&conn->inbuf), before);
	/* Where it ends is known when it was looked at. */
	ssize_t n = recv(conn->fd, server->buffer + before,
	    PROXY_HEADER_MAX - before, MSG_PEEK);
	*why = CLOSING_BY_AGENT;
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR)
			   ? PROGRESS_NONE
			   : PROGRESS_CLOSED;
	header = proxy_parse(server->buffer, before + (size_t)n);
	if (header.verdict == PROXY_INVALID) {
		log_limited(&server->faults,
		    "agent %s: invalid PROXY header: %s: closed",
		    address_text((struct sockaddr *)&conn->peer, balancer),
		    header.fault);
		*why = CLOSING_PROXY_HEADER;
		return PROGRESS_CLOSED;
	}
	return header_take(server, conn, &header,
	    header.verdict == PROXY_SHORT ? (size_t)n : header.wanted - before,
	    why);
}
