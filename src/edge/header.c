/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "edge/server.h"
#include "lib/address.h"
#include "lib/clock.h"

#include <errno.h>
#include <string.h>

/* Let the agent's address in, or not. */
static enum progress
header_admit(
    struct server *server, struct conn *conn, const struct proxy_header *header)
{
	struct admission *admission = &server->admission;
	const struct sockaddr *peer = &conn->peer.any;
	char balancer[ADDRESS_TEXT], agent[ADDRESS_TEXT];
	enum refusal refusal;

	address_text(peer, balancer);
	conn->peer = header->source;
	/* It counted as the balancer's, and does so until it is closed if the
	   agent is refused. */
	admission->open--;
	conn->origin =
	    admission_enter(admission, peer, monotonic_ms(), &refusal);
	if (conn->origin != NULL)
		return PROGRESS_MADE;
	admission->open++;
	counter_add(&server->count->refused[refusal], 1);
	log_limited(&server->refusals, "agent %s: refused: %s; passed on by %s",
	    address_text(peer, agent), refusal_text(refusal), balancer);
	conn->why = CLOSING_REFUSED;
	return PROGRESS_CLOSED;
}

enum progress
header_read(struct server *server, struct conn *conn)
{
	const struct sockaddr *peer = &conn->peer.any;
	struct inbuf *inbuf = &conn->inbuf;
	uint8_t *bytes = server->buffer, *fresh = bytes + inbuf->length;
	struct proxy_header header;
	char balancer[ADDRESS_TEXT];

	if (inbuf->length > 0)
		memcpy(bytes, inbuf_bytes(inbuf), inbuf->length);
	/* Peek first: only its bytes show where the header ends. */
	ssize_t n =
	    recv(conn->fd, fresh, PROXY_HEADER_MAX - inbuf->length, MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return PROGRESS_NONE;
	conn->why = CLOSING_BY_AGENT;
	if (n <= 0)
		return PROGRESS_CLOSED;
	header = proxy_parse(bytes, inbuf->length + (size_t)n);
	if (header.verdict == PROXY_INVALID) {
		log_limited(&server->faults,
		    "agent %s: invalid PROXY header: %s: closed",
		    address_text(peer, balancer), header.fault);
		conn->why = CLOSING_PROXY_HEADER;
		return PROGRESS_CLOSED;
	}
	if (header.verdict != PROXY_SHORT)
		n = (ssize_t)(header.wanted - inbuf->length);
	if (recv(conn->fd, fresh, (size_t)n, 0) != n)
		return PROGRESS_CLOSED;
	if (header.verdict == PROXY_SHORT) {
		conn->why = CLOSING_NO_MEMORY;
		return inbuf_append(inbuf, fresh, (size_t)n) == 0
			   ? PROGRESS_NONE
			   : PROGRESS_CLOSED;
	}
	inbuf_free(inbuf);
	/* Version 1 has no command LOCAL: a balancer's own connection has its
	   own address. */
	if (header.verdict == PROXY_OWN ||
	    address_same(peer, &header.source.any))
		return PROGRESS_MADE;
	return header_admit(server, conn, &header);
}
