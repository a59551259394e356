/* SPDX-License-Identifier: MIT
 *
 * Check suite of src/edge/conn.c and server.c: the states of a connection, what
 * leads from one to another, and why it is closed.
 */
#include "config.h"

#include "lib/clock.h"
#include "server_fixture.h"
#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define RING 4 /* records */
#define LATER (monotonic_ms() + 60000)

static struct prefix loopback = { AF_INET, 8, { 127 } };

/* One record: [1, 7, 8, 9, 100, [[1, 2, 3, 4, false]]]. */
static const uint8_t report[] = { 0x96, 1, 7, 8, 9, 100, 0x91, 0x95, 1, 2, 3, 4,
	0xc2 };

/* The command PROXY for 10.0.0.1 port 1. */
static const uint8_t header[] = { '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q',
	'U', 'I', 'T', '\n', 0x21, 0x11, 0, 12, 10, 0, 0, 1, 127, 0, 0, 1, 0, 1,
	0, 2 };

static void
setup(void)
{
	const struct settings wanted = { .max_connections = 10,
		.max_message = 1024,
		.message_timeout = 30000,
		.balancers = { &loopback, 1 } };

	server_begin(&wanted, RING);
}

/* Let the connections process what epoll reports within so many ms. */
static void
turn(int timeout_ms)
{
	struct epoll_event event;

	if (epoll_wait(epoll, &event, 1, timeout_ms) == 1)
		server_process(server, event.data.ptr, event.events);
}

static void
agent_sends(const void *bytes, size_t n)
{
	ck_assert_int_eq(send(agent, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
	turn(5000);
}

static void
agent_sends_reports(unsigned n)
{
	uint8_t bytes[16 * sizeof(report)];

	for (unsigned i = 0; i < n; i++)
		memcpy(bytes + i * sizeof(report), report, sizeof(report));
	agent_sends(bytes, n * sizeof(report));
}

static void
agent_resets(void)
{
	const struct linger none = { 1, 0 };

	setsockopt(agent, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(agent);
	agent = -1;
	turn(5000);
}

static void
check_closed(enum closing why)
{
	ck_assert_uint_eq(server->open, 0);
	ck_assert_uint_eq(server->throttled, 0);
	ck_assert(TAILQ_EMPTY(&server->all) && TAILQ_EMPTY(&server->active) &&
		  TAILQ_EMPTY(&server->begun) &&
		  TAILQ_EMPTY(&server->queue[0]));
	ck_assert_uint_eq(counter_get(&count.closed[why]), 1);
	ck_assert_uint_eq(counter_get(&count.connections), 0);
	ck_assert_uint_eq(counter_get(&count.throttled), 0);
}

START_TEST(a_plain_connection_is_read)
{
	struct conn *conn = agent_connect(false, false);

	ck_assert_int_eq(conn->state, CONN_READING);
	agent_sends_reports(2);
	ck_assert_int_eq(conn->state, CONN_READING);
	ck_assert_uint_eq(counter_get(&count.received), 2);
	close(agent);
	turn(5000);
	check_closed(CLOSING_BY_AGENT);
}
END_TEST

START_TEST(a_header_comes_in_any_pieces)
{
	struct conn *conn = agent_connect(true, false);
	char text[INET_ADDRSTRLEN];

	for (size_t i = 0; i < sizeof(header); i++) {
		ck_assert_int_eq(conn->state, CONN_HEADER);
		agent_sends(header + i, 1);
	}
	ck_assert_int_eq(conn->state, CONN_READING);
	inet_ntop(AF_INET, &((struct sockaddr_in *)&conn->peer)->sin_addr, text,
	    sizeof(text));
	ck_assert_str_eq(text, "10.0.0.1");
	agent_sends_reports(1);
	ck_assert_uint_eq(counter_get(&count.received), 1);
}
END_TEST

/* A report behind it is the agent's. */
START_TEST(a_header_of_version_1_comes_in_any_pieces)
{
	static const char text[] = "PROXY TCP4 10.0.0.1 127.0.0.1 1 2\r\n";
	uint8_t bytes[sizeof(text) - 1 + sizeof(report)];

	memcpy(bytes, text, sizeof(text) - 1);
	memcpy(bytes + sizeof(text) - 1, report, sizeof(report));
	for (size_t cut = 1; cut < sizeof(text); cut++) {
		struct conn *conn = agent_connect(true, false);

		agent_sends(bytes, cut);
		agent_sends(bytes + cut, sizeof(bytes) - cut);
		if (cut < sizeof(text) - 1)
			turn(5000);
		ck_assert_int_eq(conn->state, CONN_READING);
		ck_assert_uint_eq(
		    ((struct sockaddr_in *)&conn->peer)->sin_addr.s_addr,
		    htonl(0x0a000001));
		ck_assert_uint_eq(counter_get(&count.received), cut);
		drain(RING);
		close(agent);
		turn(5000);
	}
}
END_TEST

START_TEST(an_invalid_header_closes)
{
	agent_connect(true, false);
	agent_sends(report, sizeof(report));
	check_closed(CLOSING_PROXY_HEADER);
	ck_assert_uint_eq(counter_get(&count.received), 0);
}
END_TEST

START_TEST(tls_follows_the_header)
{
	struct conn *conn = agent_connect(true, true);

	agent_sends(header, sizeof(header));
	ck_assert_int_eq(conn->state, CONN_HANDSHAKE);
	/* A first byte from 0x80 on is not TLS. */
	agent_sends(report, sizeof(report));
	check_closed(CLOSING_TLS);
}
END_TEST

START_TEST(an_address_that_is_denied_goes_to_the_tarpit)
{
	struct prefix ten = { AF_INET, 8, { 10 } };
	char byte;

	settings.denied = (struct prefix_list){ &ten, 1 };
	server_configure(server, &settings, NULL);
	tarpit_resize(&server->tarpit, 1);
	agent_connect(true, false);
	agent_sends(header, sizeof(header));
	check_closed(CLOSING_REFUSED);
	ck_assert_uint_eq(counter_get(&count.refused[REFUSAL_DENIED]), 1);
	ck_assert_int_lt(recv(agent, &byte, 1, MSG_DONTWAIT), 0);
	server_tick(server, LATER);
	ck_assert_int_eq(recv(agent, &byte, 1, 0), 0);
}
END_TEST

START_TEST(a_full_ring_throttles_until_there_is_room)
{
	struct conn *conn = agent_connect(false, false);
	struct epoll_event event;

	agent_sends_reports(RING + 2);
	ck_assert_int_eq(conn->state, CONN_THROTTLED);
	ck_assert_uint_eq(server->throttled, 1);
	ck_assert_uint_eq(counter_get(&count.received), RING);
	/* It is not read now, and no time limit applies. */
	ck_assert_int_eq(
	    send(agent, report, sizeof(report), MSG_NOSIGNAL), sizeof(report));
	ck_assert_int_eq(epoll_wait(epoll, &event, 1, 100), 0);
	server_tick(server, LATER);
	ck_assert_int_eq(conn->state, CONN_THROTTLED);
	ck_assert_uint_eq(counter_get(&count.received), RING);
	drain(RING);
	server_tick(server, monotonic_ms());
	ck_assert_int_eq(conn->state, CONN_READING);
	ck_assert_uint_eq(server->throttled, 0);
	turn(5000);
	ck_assert_uint_eq(counter_get(&count.received), RING + 3);
}
END_TEST

START_TEST(what_a_lost_peer_sent_still_counts)
{
	struct conn *conn = agent_connect(false, false);

	agent_sends_reports(2 * RING + 1);
	agent_resets();
	ck_assert_int_eq(conn->state, CONN_ENDED);
	drain(RING);
	server_tick(server, monotonic_ms());
	ck_assert_int_eq(conn->state, CONN_ENDED);
	drain(RING);
	server_tick(server, monotonic_ms());
	check_closed(CLOSING_BY_AGENT);
	ck_assert_uint_eq(counter_get(&count.received), 2 * RING + 1);
}
END_TEST

/* Its place is free at once, and what was read and what is left in its socket
   goes in. */
START_TEST(a_throttled_agent_that_closes_does_not_count)
{
	struct conn *conn = agent_connect(false, false);
	struct admission *admission = &server->admission;
	char byte;

	server->gone_max = _i;
	agent_sends_reports(RING + 1);
	ck_assert_int_eq(conn->state, CONN_THROTTLED);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(
		    send(agent, report, sizeof(report), MSG_NOSIGNAL),
		    sizeof(report));
	shutdown(agent, SHUT_WR);
	turn(5000);
	ck_assert_int_eq(conn->state, CONN_ENDED);
	ck_assert_uint_eq(counter_get(&count.throttled), 1);
	/* Beyond gone_max it counts as before. */
	ck_assert_uint_eq(counter_get(&count.connections), 1 - _i);
	ck_assert_uint_eq(admission->open, 1 - _i);
	ck_assert_uint_eq(counter_get(&count.closed[CLOSING_BY_AGENT]), _i);
	ck_assert_uint_eq(admission_open_from(
			      admission, (const struct sockaddr *)&conn->peer),
	    1);
	/* The agent is not disconnected before everything was taken. */
	ck_assert_int_lt(recv(agent, &byte, 1, MSG_DONTWAIT), 0);
	for (int i = 0; i < 100 && !TAILQ_EMPTY(&server->all); i++) {
		drain(RING);
		server_tick(server, monotonic_ms());
	}
	check_closed(CLOSING_BY_AGENT);
	ck_assert_uint_eq(counter_get(&count.received), RING + 101);
	ck_assert_uint_eq(admission->open, 0);
	ck_assert_uint_eq(server->gone, 0);
	ck_assert_int_eq(recv(agent, &byte, 1, 0), 0);
}
END_TEST

/* Its row is free at once, for one that is connected. */
START_TEST(a_throttled_agent_that_closes_is_not_shown)
{
	char instance[INSTANCE_MAX];
	struct agents agents;
	struct agent shown;

	snprintf(instance, sizeof(instance), "unit-conn-%d", getpid());
	ck_assert_int_eq(
	    agents_create(&agents, instance, 1, (gid_t)-1), SHM_OK);
	server->agents = &agents;
	server->gone_max = 1;
	agent_connect(false, false);
	ck_assert(agents_read(&agents, 0, &shown));
	agent_sends_reports(RING + 1);
	close(agent);
	turn(5000);
	ck_assert_uint_eq(server->gone, 1);
	ck_assert(!agents_read(&agents, 0, &shown));
	agent_connect(false, false);
	ck_assert(agents_read(&agents, 0, &shown));
	ck_assert_uint_eq(counter_get(&agents.shared->unlisted), 0);
	drain(RING);
	server_tick(server, monotonic_ms());
	ck_assert_uint_eq(server->gone, 0);
	ck_assert(agents_read(&agents, 0, &shown));
	ck_assert_uint_eq(counter_get(&agents.shared->unlisted), 0);
	close(agent);
	turn(5000);
	ck_assert(!agents_read(&agents, 0, &shown));
	server->agents = NULL;
	agents_remove(&agents);
}
END_TEST

/* Put a record into each of n rings, have a tick, and return how many workers
   have been woken in all. */
static unsigned
wake_all(struct ring *const *all, unsigned n, uint64_t now_ms, int *wait)
{
	const struct record record = { 0 };
	unsigned woken = 0;

	for (unsigned i = 0; i < n; i++) {
		ring_put(all[i], &record, 1);
		ring_publish(all[i]);
	}
	*wait = server_tick(server, now_ms);
	for (unsigned i = 0; i < n; i++)
		woken += atomic_load(&all[i]->producer->doorbell);
	return woken;
}

START_TEST(many_workers_are_not_woken_all_the_time)
{
	static struct ring many[WORKERS_MAX], *all[WORKERS_MAX];
	static struct ring_producer producers[WORKERS_MAX];
	static struct ring_consumer consumers[WORKERS_MAX];
	static struct record places[WORKERS_MAX][64];
	int wait;

	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		consumers[i].sleeping = 1;
		all[i] = &many[i];
		ring_attach(
		    all[i], &producers[i], &consumers[i], places[i], 64);
	}
	server_route(server, all, WORKERS_MAX);
	ck_assert_uint_eq(wake_all(all, WORKERS_MAX, 1000, &wait), 64);
	ck_assert_int_gt(wait, 8);
	ck_assert_uint_eq(wake_all(all, WORKERS_MAX, 1001, &wait), 64);
	ck_assert_int_eq(wait, 7);
	ck_assert_uint_eq(wake_all(all, WORKERS_MAX, 1008, &wait), 128);
	/* One that is alone does not wait for others, nor for its next. */
	ck_assert_uint_eq(wake_all(all, 1, 1016, &wait), 3);
	ck_assert_uint_eq(wake_all(all, 1, 1016, &wait), 4);
	server_route(server, rings, 1);
}
END_TEST

START_TEST(other_rings_resume_all)
{
	static struct record more[16];
	static struct ring_producer other_producer;
	static struct ring_consumer other_consumer;
	struct conn *conn = agent_connect(false, false);
	struct ring other, *others[] = { &other };

	ring_attach(&other, &other_producer, &other_consumer, more, 16);
	agent_sends_reports(RING + 2);
	ck_assert_int_eq(conn->state, CONN_THROTTLED);
	server_route(server, others, 1);
	ck_assert_int_eq(conn->state, CONN_READING);
	ck_assert_uint_eq(counter_get(&count.received), RING + 2);
	server_route(server, rings, 1);
}
END_TEST

/* A reload while a piece of a report is in its ring: other rings, or overflow =
   drop. */
START_TEST(the_rest_of_a_report_follows_a_reload)
{
	enum {
		SOME = 2048,
		ALL = 3000
	};
	static const uint8_t head[] = { 0x96, 1, 7, 8, 9, 100, 0xdc, ALL >> 8,
		ALL & 0xff };
	static const uint8_t result[] = { 0x95, 1, 2, 3, 4, 0xc2 };
	static uint8_t bytes[sizeof(head) + ALL * sizeof(result)];
	static struct record more[2 * SOME];
	static struct ring_producer other_producer;
	static struct ring_consumer other_consumer;
	struct settings wanted = settings, drop;
	struct ring other, *others[] = { &other };
	struct conn *conn;

	wanted.max_message = MESSAGE_MAX;
	server_end();
	server_begin(&wanted, SOME);
	conn = agent_connect(false, false);
	memcpy(bytes, head, sizeof(head));
	for (size_t i = 0; i < ALL; i++)
		memcpy(bytes + sizeof(head) + i * sizeof(result), result,
		    sizeof(result));
	agent_sends(bytes, sizeof(bytes));
	for (int i = 0; i < 100 && conn->state == CONN_READING; i++)
		turn(100);
	ck_assert_int_eq(conn->state, CONN_THROTTLED);
	ck_assert_uint_eq(counter_get(&count.received), SOME);
	ck_assert_uint_eq(counter_get(&count.reports), 0);

	ring_attach(&other, &other_producer, &other_consumer, more, 2 * SOME);
	drop = settings;
	drop.overflow = OVERFLOW_DROP;
	if (_i == 0) {
		server_route(server, others, 1);
	} else {
		server_configure(server, &drop, NULL);
		server_retry(server);
	}
	ck_assert_int_eq(conn->state, CONN_READING);
	ck_assert_uint_eq(counter_get(&count.received), ALL);
	ck_assert_uint_eq(counter_get(&count.reports), 1);
	ck_assert_uint_eq(
	    counter_get(&count.dropped), _i == 0 ? 0 : ALL - SOME);
	ck_assert_uint_eq(conn->inbuf.stream.put, 0);
	server_route(server, rings, 1);
}
END_TEST

START_TEST(a_message_that_is_late_closes)
{
	agent_connect(false, false);
	agent_sends(report, 5);
	server_tick(server, monotonic_ms());
	ck_assert_uint_eq(server->open, 1);
	server_tick(server, LATER);
	check_closed(CLOSING_MESSAGE_TIMEOUT);
}
END_TEST

START_TEST(a_header_that_is_late_closes)
{
	agent_connect(true, false);
	server_tick(server, LATER);
	check_closed(CLOSING_MESSAGE_TIMEOUT);
}
END_TEST

/* A handshake costs milliseconds, and many may be late at once. */
START_TEST(no_handshake_begins_when_it_is_late)
{
	agent_connect(true, true);
	ck_assert_int_eq(
	    send(agent, header, sizeof(header), 0), (ssize_t)sizeof(header));
	/* No TLS: what reads it closes for that. */
	ck_assert_int_eq(
	    send(agent, report, sizeof(report), 0), (ssize_t)sizeof(report));
	server_tick(server, LATER);
	check_closed(CLOSING_MESSAGE_TIMEOUT);
}
END_TEST

START_TEST(an_idle_agent_is_disconnected)
{
	settings.idle_timeout = 50000;
	agent_connect(false, false);
	server_tick(server, monotonic_ms());
	ck_assert_uint_eq(server->open, 1);
	server_tick(server, LATER);
	check_closed(CLOSING_IDLE);
}
END_TEST

/* One that has sent nothing is idle. */
START_TEST(an_agent_of_elb_or_lars_may_be_silent)
{
	const uint8_t frame[] = { _i ? 8 : 3, 0, 0, 0, 0, 0, 0, 0 };
	struct conn *conn;

	settings.idle_timeout = 50000;
	conn = agent_connect(false, false);
	agent_sends(frame, sizeof(frame));
	server_tick(server, LATER);
	ck_assert_uint_eq(server->open, 1);
	ck_assert_int_eq(conn->state, CONN_READING);
	/* A frame that is begun must end. */
	agent_sends(frame, 3);
	server_tick(server, LATER);
	check_closed(CLOSING_MESSAGE_TIMEOUT);
}
END_TEST

/* The connection becomes older by so many milliseconds. */
static void
age_by(struct conn *conn, uint64_t ms)
{
	conn->born_ms -= ms;
	/* The limit was set before it came. */
	server->aging_ms = 0;
	server->retired_ms = 0;
	server_tick(server, monotonic_ms());
}

static bool
agent_sees_end(void)
{
	char byte;

	return recv(agent, &byte, 1, MSG_DONTWAIT) == 0;
}

START_TEST(an_old_connection_ends_between_two_messages)
{
	settings.max_connection_age = 100000;
	struct conn *conn = agent_connect(false, false);

	/* No connection before nine tenths of the age. */
	age_by(conn, 89000);
	ck_assert(!agent_sees_end());
	agent_sends(report, 5);
	age_by(conn, 22000);
	ck_assert(!agent_sees_end());
	agent_sends(report + 5, sizeof(report) - 5);
	age_by(conn, 0);
	ck_assert(agent_sees_end());
	ck_assert_uint_eq(server->open, 1);
	/* What the agent sends until it closes is taken. */
	agent_sends_reports(1);
	ck_assert_uint_eq(counter_get(&count.received), 2);
	close(agent);
	turn(5000);
	check_closed(CLOSING_AGE);
}
END_TEST

START_TEST(an_age_counts_from_when_the_limit_was_set)
{
	struct settings before = settings;
	struct conn *conn = agent_connect(false, false);

	conn->born_ms -= 1000000;
	server_configure(server, &before, NULL);
	settings.max_connection_age = 100000;
	server_configure(server, &settings, NULL);
	server_tick(server, monotonic_ms() + 89000);
	ck_assert(!agent_sees_end());
	server_tick(server, monotonic_ms() + 111000);
	ck_assert(agent_sees_end());
}
END_TEST

START_TEST(an_agent_that_does_not_see_the_end_is_disconnected)
{
	settings.max_connection_age = 1000;
	struct conn *conn = agent_connect(false, false);

	age_by(conn, 2000);
	ck_assert(agent_sees_end());
	ck_assert_int_eq(
	    send(agent, report, sizeof(report), MSG_NOSIGNAL), sizeof(report));
	server_tick(server, LATER);
	check_closed(CLOSING_AGE);
	ck_assert_uint_eq(counter_get(&count.received), 1);
}
END_TEST

START_TEST(the_end_of_a_message_is_not_awaited_forever)
{
	settings.max_connection_age = 1000;
	settings.message_timeout = 0;
	struct conn *conn = agent_connect(false, false);

	agent_sends(report, 5);
	age_by(conn, 2000);
	ck_assert(!agent_sees_end());
	server_tick(server, monotonic_ms() + 6000);
	ck_assert(agent_sees_end());
	ck_assert_uint_eq(server->open, 1);
	server_tick(server, LATER);
	check_closed(CLOSING_AGE);
}
END_TEST

START_TEST(a_throttled_connection_is_not_too_old)
{
	settings.max_connection_age = 1000;
	struct conn *conn = agent_connect(false, false);

	agent_sends_reports(RING + 1);
	ck_assert_int_eq(conn->state, CONN_THROTTLED);
	age_by(conn, 2000);
	server_tick(server, LATER);
	ck_assert(!agent_sees_end());
	ck_assert_uint_eq(server->open, 1);
}
END_TEST

START_TEST(ages_are_spread_evenly)
{
	enum {
		AGENTS = 10
	};
	unsigned tenths = 0;

	for (int i = 0; i < AGENTS; i++) {
		struct conn *conn = agent_connect(false, false);

		tenths |= 1u << ((uint64_t)conn->jitter * AGENTS >> 32);
		if (i + 1 < AGENTS) {
			close(agent);
			turn(5000);
		}
	}
	/* Each tenth of the range has one, or nearly. */
	ck_assert_int_ge(__builtin_popcount(tenths), AGENTS - 2);
}
END_TEST

START_TEST(what_has_come_before_the_tick_is_not_late)
{
	struct conn *conn = agent_connect(false, false);

	agent_sends(report, 5);
	ck_assert_int_eq(
	    send(agent, report + 5, sizeof(report) - 5, MSG_NOSIGNAL),
	    sizeof(report) - 5);
	server_tick(server, LATER);
	ck_assert_int_eq(conn->state, CONN_READING);
	ck_assert_uint_eq(server->open, 1);
	ck_assert_uint_eq(counter_get(&count.received), 1);
}
END_TEST

START_TEST(a_malformed_stream_closes)
{
	const uint8_t never = 0xc1;

	agent_connect(false, false);
	agent_sends(&never, 1);
	check_closed(CLOSING_BAD_STREAM);
}
END_TEST

START_TEST(a_stranger_is_closed_at_once)
{
	agent_connect(false, false);
	agent_sends("GET", 3);
	check_closed(CLOSING_BAD_STREAM);
	ck_assert_uint_eq(
	    counter_get(&count.rejected[REJECT_UNKNOWN_PROTOCOL]), 1);
	ck_assert_int_ne(recv(agent, &(char){ 0 }, 1, 0), 1);
}
END_TEST

/* Its agents reconnect at once: connections wait in the kernel. */
START_TEST(a_full_tarpit_holds_accepting)
{
	struct prefix ten = { AF_INET, 8, { 10 } };

	settings.denied = (struct prefix_list){ &ten, 1 };
	server_configure(server, &settings, NULL);
	tarpit_resize(&server->tarpit, 1);
	for (int i = 0; i < 2; i++) {
		agent_connect(true, false);
		ck_assert(accept_is_open(server, 0));
		agent_sends(header, sizeof(header));
		close(agent);
	}
	ck_assert(!accept_is_open(server, server->hold_until_ms - 1));
	ck_assert_uint_ge(server->hold_until_ms + 5000, monotonic_ms());
	ck_assert_uint_le(server->hold_until_ms, monotonic_ms() + HOLD_FULL_MS);
	ck_assert(accept_is_open(server, server->hold_until_ms));
}
END_TEST

/* The first few are closed at once, the others after a while. */
START_TEST(many_faulty_agents_are_held)
{
	uint64_t held = 0;
	char byte;

	tarpit_resize(&server->tarpit, 30);
	for (int i = 0; i < 30; i++) {
		agent_connect(false, false);
		agent_sends("GET", 3);
		ck_assert_uint_eq(server->open, 0);
		held +=
		    recv(agent, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
		close(agent);
	}
	ck_assert_uint_ge(server->tarpit.count, 1);
	ck_assert_uint_ge(held, 10);
	ck_assert_uint_le(held, 20);
	server_tick(server, LATER);
	ck_assert_uint_eq(server->tarpit.count, 0);
}
END_TEST

static void
exhaust(struct log_limiter *limiter)
{
	limiter->passed = limiter->max;
	limiter->began_ms = monotonic_ms();
}

/* A rejected port, a time that is ahead and another host's caller: each is
   logged once, when the limiter lets it pass, whatever closes others. */
START_TEST(lines_are_logged_once_although_they_were_suppressed)
{
	static const uint8_t bad[] = { 0x96, 1, 7, 8, 9, 0xce, 0xff, 0xff, 0xff,
		0xff, 0x91, 0x95, 1, 0xce, 0, 1, 0x11, 0x70, 3, 4, 0xc2 };
	struct conn *conn;

	settings.check_caller = CHECK_CALLER_LOG;
	server_configure(server, &settings, NULL);
	conn = agent_connect(false, false);
	exhaust(&server->faults);
	exhaust(&server->reports);
	agent_sends(bad, sizeof(bad));
	ck_assert_uint_eq(counter_get(&count.rejected[REJECT_OUT_OF_RANGE]), 1);
	ck_assert_uint_eq(server->reports.suppressed, 3);
	ck_assert(!conn->inbuf.stream.explained);
	ck_assert(!conn->inbuf.stream.skewed && !conn->foreign);
	server->reports.passed = 0;
	agent_sends(bad, sizeof(bad));
	ck_assert_uint_eq(server->reports.passed, 3);
	ck_assert(conn->inbuf.stream.explained);
	ck_assert(conn->inbuf.stream.skewed && conn->foreign);
	agent_sends(bad, sizeof(bad));
	ck_assert_uint_eq(server->reports.passed, 3);
	ck_assert_uint_eq(server->reports.suppressed, 0);
	/* What closes a connection has a limiter of its own. */
	server->faults.passed = 0;
	agent_sends("\xc1", 1);
	check_closed(CLOSING_BAD_STREAM);
	ck_assert_uint_eq(server->faults.passed, 1);
	ck_assert_uint_eq(server->reports.passed, 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conn");
	TCase *tc = tcase_create("conn");

	tcase_add_checked_fixture(tc, setup, server_end);
	tcase_add_test(tc, a_plain_connection_is_read);
	tcase_add_test(tc, a_header_comes_in_any_pieces);
	tcase_add_test(tc, a_header_of_version_1_comes_in_any_pieces);
	tcase_add_test(tc, an_invalid_header_closes);
	tcase_add_test(tc, tls_follows_the_header);
	tcase_add_test(tc, an_address_that_is_denied_goes_to_the_tarpit);
	tcase_add_test(tc, a_full_ring_throttles_until_there_is_room);
	tcase_add_test(tc, what_a_lost_peer_sent_still_counts);
	tcase_add_loop_test(
	    tc, a_throttled_agent_that_closes_does_not_count, 0, 2);
	tcase_add_test(tc, a_throttled_agent_that_closes_is_not_shown);
	tcase_add_test(tc, other_rings_resume_all);
	tcase_add_loop_test(tc, the_rest_of_a_report_follows_a_reload, 0, 2);
	tcase_add_test(tc, a_message_that_is_late_closes);
	tcase_add_test(tc, a_header_that_is_late_closes);
	tcase_add_test(tc, no_handshake_begins_when_it_is_late);
	tcase_add_test(tc, an_idle_agent_is_disconnected);
	tcase_add_loop_test(tc, an_agent_of_elb_or_lars_may_be_silent, 0, 2);
	tcase_add_test(tc, ages_are_spread_evenly);
	tcase_add_test(tc, a_throttled_connection_is_not_too_old);
	tcase_add_test(tc, the_end_of_a_message_is_not_awaited_forever);
	tcase_add_test(tc, an_age_counts_from_when_the_limit_was_set);
	tcase_add_test(tc, an_agent_that_does_not_see_the_end_is_disconnected);
	tcase_add_test(tc, an_old_connection_ends_between_two_messages);
	tcase_add_test(tc, what_has_come_before_the_tick_is_not_late);
	tcase_add_test(tc, a_malformed_stream_closes);
	tcase_add_test(tc, a_stranger_is_closed_at_once);
	tcase_add_test(tc, lines_are_logged_once_although_they_were_suppressed);
	tcase_add_test(tc, a_full_tarpit_holds_accepting);
	tcase_add_test(tc, many_workers_are_not_woken_all_the_time);
	tcase_add_test(tc, many_faulty_agents_are_held);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
