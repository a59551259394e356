/* SPDX-License-Identifier: MIT
 *
 * The gate of one connection.  Owns the state of the PROXY header and of TLS.
 * Called by the master's loop; what goes wrong is returned.
 */
#include "config.h"

#include "edge/gate.h"
#include "edge/held.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum gate_stage {
	STAGE_HEADER,    /* the PROXY header is being read */
	STAGE_HANDSHAKE, /* TLS begins */
	STAGE_STREAM     /* reports come */
};

struct gate {
	enum gate_stage stage;
	bool tls;                    /* TLS comes behind the header */
	bool writes;                 /* TLS waits to write */
	struct held held;            /* of the header */
	struct tls_session *session; /* NULL until the peer has sent a byte */
};

struct gate *
gate_new(bool proxy, bool tls)
{
	struct gate *gate = calloc(1, sizeof(*gate));

	if (gate == NULL)
		return NULL;
	gate->stage = proxy ? STAGE_HEADER : STAGE_HANDSHAKE;
	gate->tls = tls;
	return gate;
}

void
gate_free(struct gate *gate)
{
	if (gate == NULL)
		return;
	tls_close(gate->session);
	held_free(&gate->held);
	free(gate);
}

bool
gate_passed(const struct gate *gate)
{
	return gate->stage == STAGE_STREAM && !gate->tls;
}

bool
gate_begun(const struct gate *gate)
{
	return gate->stage != STAGE_STREAM ||
	       (gate->session != NULL && tls_begun(gate->session));
}

bool
gate_writes(const struct gate *gate)
{
	return gate->writes;
}

size_t
gate_pending(const struct gate *gate)
{
	return gate->session == NULL ? 0 : tls_pending(gate->session);
}

void
gate_say_end(struct gate *gate)
{
	tls_say_end(gate->session);
}

/* ------------------------------------------------------ the PROXY header -- */

/* Read no byte that does not belong to the header. */
static enum gate_status
gate_read_header(struct gate *gate, int fd, uint8_t *bytes, size_t room,
    struct gate_result *result)
{
	struct held *held = &gate->held;
	struct proxy_header *header = &result->header;
	size_t wanted = PROXY_FIXED;

	if (held->length >= PROXY_FIXED)
		wanted = proxy_parse(held_bytes(held), held->length).wanted;
	wanted -= held->length;
	ssize_t n = read(fd, bytes, wanted < room ? wanted : room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return GATE_EMPTY;
	if (n <= 0)
		return GATE_ENDED;
	if (!held_append(held, bytes, (size_t)n))
		return GATE_NO_MEMORY;
	*header = proxy_parse(held_bytes(held), held->length);
	if (header->verdict == PROXY_SHORT)
		return GATE_PART;
	if (header->verdict == PROXY_WRONG) {
		result->fault = header->fault;
		return GATE_BAD_PROXY;
	}
	held_free(held);
	gate->stage = gate->tls ? STAGE_HANDSHAKE : STAGE_STREAM;
	return GATE_NAMED;
}

/* ------------------------------------------------------------------ TLS --- */

/* What it means for the connection that TLS is not done. */
static enum gate_status
gate_not_done(
    struct gate *gate, enum tls_status status, struct gate_result *result)
{
	gate->writes = status == TLS_WANTS_WRITE;
	switch (status) {
	case TLS_WANTS_READ:
	case TLS_WANTS_WRITE:
		return GATE_EMPTY;
	case TLS_ENDED:
		return GATE_SAID_END;
	case TLS_FAILED:
		result->fault = tls_fault(
		    gate->session, result->text, sizeof(result->text));
		return GATE_BAD_TLS;
	default:
		return GATE_ENDED;
	}
}

/* Begin TLS, if it can be that.  OpenSSL takes a first byte from 0x80 on for a
   greeting of SSL 2 and waits for its end: a plain agent whose modid is 1
   begins like one. */
static enum gate_status
gate_greet(
    struct gate *gate, int fd, struct tls *tls, struct gate_result *result)
{
	uint8_t first;
	ssize_t n = recv(fd, &first, 1, MSG_PEEK);

	/* Nothing is kept for a peer that has not sent a byte. */
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return GATE_EMPTY;
	if (n <= 0)
		return GATE_ENDED;
	if (first >= 0x80) {
		result->fault = "no TLS";
		return GATE_BAD_TLS;
	}
	if (tls != NULL)
		gate->session = tls_accept(tls, fd);
	return gate->session == NULL ? GATE_NO_MEMORY : GATE_PART;
}

static enum gate_status
gate_shake_hands(
    struct gate *gate, int fd, struct tls *tls, struct gate_result *result)
{
	enum tls_status status;

	if (gate->session == NULL) {
		enum gate_status greeted = gate_greet(gate, fd, tls, result);
		if (greeted != GATE_PART)
			return greeted;
	}
	status = tls_handshake(gate->session);
	if (status != TLS_DONE)
		return gate_not_done(gate, status, result);
	gate->writes = false;
	gate->stage = STAGE_STREAM;
	return GATE_OPEN;
}

static enum gate_status
gate_read_stream(
    struct gate *gate, uint8_t *bytes, size_t room, struct gate_result *result)
{
	enum tls_status status =
	    tls_read(gate->session, bytes, room, &result->n);

	if (status != TLS_DONE)
		return gate_not_done(gate, status, result);
	gate->writes = false;
	return GATE_BYTES;
}

void
gate_read(struct gate *gate, int fd, struct tls *tls, uint8_t *bytes,
    size_t room, struct gate_result *result)
{
	switch (gate->stage) {
	case STAGE_HEADER:
		result->status =
		    gate_read_header(gate, fd, bytes, room, result);
		break;
	case STAGE_HANDSHAKE:
		result->status = gate_shake_hands(gate, fd, tls, result);
		break;
	case STAGE_STREAM:
		result->status = gate_read_stream(gate, bytes, room, result);
		break;
	}
}
