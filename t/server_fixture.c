/* SPDX-License-Identifier: MIT
 *
 * A server and an agent for the suites of connections: see server_fixture.h.
 * Every failure fails the test.
 */
#include "config.h"

#include "server_fixture.h"

#include <arpa/inet.h>
#include <check.h>
#include <sys/epoll.h>
#include <unistd.h>

struct settings settings;
struct input_counters count;
struct server *server;
int epoll, agent;

/* Each side has a view of its own. */
static struct ring ring, worker;
struct ring *rings[1] = { &ring };
static struct ring_producer producer;
static struct ring_consumer consumer;
static struct record records[RING_MAX];
static int listening;

void
server_begin(const struct settings *wanted, uint64_t capacity)
{
	const struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };

	settings = *wanted;
	count = (struct input_counters){ 0 };
	producer = (struct ring_producer){ 0 };
	consumer = (struct ring_consumer){ 0 };
	ring_attach(&ring, &producer, &consumer, records, capacity);
	ring_attach(&worker, &producer, &consumer, records, capacity);
	epoll = epoll_create1(0);
	server = server_new(epoll, &count, NULL);
	ck_assert_ptr_nonnull(server);
	server_configure(server, &settings, NULL);
	server_route(server, rings, 1);
	listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(
	    bind(listening, (const struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(listening, 8), 0);
}

void
server_end(void)
{
	server_close(server);
	close(agent);
	close(listening);
	close(epoll);
}

struct conn *
agent_connect(bool proxy, bool tls)
{
	const struct listen_spec spec = { .proxy = proxy, .tls = tls };
	struct sockaddr_in in;
	socklen_t length = sizeof(in);

	getsockname(listening, (struct sockaddr *)&in, &length);
	agent = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(agent, (struct sockaddr *)&in, length), 0);
	accept_agents(server, listening, &spec);
	ck_assert_uint_eq(server->open, 1);
	return TAILQ_FIRST(&server->all);
}

void
drain(uint64_t max)
{
	uint64_t n;

	do {
		n = max;
		ring_peek(&worker, &n);
		ring_advance(&worker, n);
		max -= n;
	} while (n > 0 && max > 0);
}
