/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "edge/server.h"
#include "lib/clock.h"
#include "lib/log.h"

#include <errno.h>
#include <inttypes.h>

int
carry_out(const struct server *server, struct ark_writer *ark)
{
	uint64_t now_ms = monotonic_ms();
	const struct conn *conn;

	TAILQ_FOREACH(conn, &server->all, all) {
		const struct stream *stream = &conn->inbuf.stream;
		struct ark_conn entry = {
			.peer = conn->peer.in6,
			.flags =
			    (conn->state == CONN_HEADER ? ARK_HEADER : 0) |
			    (conn->origin == NULL ? ARK_BALANCER : 0) |
			    (conn->half_closed ? ARK_HALF_CLOSED : 0) |
			    (conn->foreign ? ARK_FOREIGN : 0) |
			    (stream->explained ? ARK_EXPLAINED : 0) |
			    (stream->skewed ? ARK_SKEWED : 0) |
			    (conn->agent != &server->unlisted ? ARK_SHOWN : 0),
			.dialect = stream->dialect,
			.buffered = conn->inbuf.length,
			.put = stream->put,
			.offset = stream->offset,
			.age_ms = now_ms - conn->born_ms,
			.agent = *conn->agent,
		};
		const uint8_t *bytes =
		    entry.buffered > 0 ? inbuf_bytes(&conn->inbuf) : NULL;

		if (!conn->secure && ark_put(ark, conn->fd, &entry, bytes) < 0)
			return errno == ENOBUFS ? 0 : -1;
	}
	return 0;
}

void
carry_close(struct server *server, uint64_t n)
{
	struct conn *conn, *next;

	for (conn = TAILQ_FIRST(&server->all); conn != NULL && n > 0;
	     conn = next) {
		next = TAILQ_NEXT(conn, all);
		if (conn->secure)
			continue;
		conn_close(server, conn, CLOSING_CARRIED);
		n--;
	}
}

static void
carry_one_in(struct server *server, const struct ark_conn *entry,
    const uint8_t *bytes, int fd)
{
	const struct listen_spec spec = { .proxy =
					      entry->flags & ARK_BALANCER };
	struct conn *conn = accept_open(server, &spec, fd,
	    (const struct sockaddr *)&entry->peer, sizeof(entry->peer));

	if (conn == NULL)
		return;
	if (entry->age_ms < conn->born_ms)
		conn->born_ms -= entry->age_ms;
	conn->half_closed = entry->flags & ARK_HALF_CLOSED;
	conn->foreign = entry->flags & ARK_FOREIGN;
	conn->inbuf.stream = (struct stream){
		.dialect = (enum dialect)entry->dialect,
		.offset = entry->offset,
		.put = entry->put,
		.explained = entry->flags & ARK_EXPLAINED,
		.skewed = entry->flags & ARK_SKEWED,
	};
	if (entry->flags & ARK_SHOWN && conn->agent != &server->unlisted) {
		agents_change(conn->agent, &entry->agent);
		agent_set(&conn->agent->throttled_since, AGENT_NONE);
	}
	/* Also if it is CONN_READING already: the dialect, known now, decides
	   whether idle_timeout applies. */
	if (!(entry->flags & ARK_HEADER))
		conn_open(server, conn);
	if (entry->buffered == 0)
		return;
	if (inbuf_append(&conn->inbuf, bytes, entry->buffered) < 0)
		conn_close(server, conn, CLOSING_NO_MEMORY);
	else if (conn->state == CONN_READING)
		conn_resume(server, conn);
	else if (proxy_parse(bytes, entry->buffered).verdict != PROXY_SHORT)
		conn_close(server, conn, CLOSING_PROXY_HEADER);
}

void
carry_in(struct server *server, struct ark_reader *ark)
{
	const struct ark_conn *entry;
	const uint8_t *bytes;
	int fd;

	if (ark->header.max_age_ms == server->settings->max_connection_age)
		server->aging_ms = 0;
	/* They were let in before.  As after a reload, only allow and deny
	   count; some may exceed the limits, as their agents are gone. */
	server->admission.unlimited = true;
	while ((fd = ark_next(ark, &entry, &bytes)) >= 0)
		carry_one_in(server, entry, bytes, fd);
	server->admission.unlimited = false;
	if (ark->bytes != NULL)
		log_info("took over: %" PRIu64 " connection%s", server->open,
		    server->open == 1 ? "" : "s");
}
