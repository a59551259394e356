/* SPDX-License-Identifier: MIT
 *
 * Check suite of src/edge/ark.c and carry.c: what a reader accepts, and what
 * becomes of a connection in each state.
 */
#include "config.h"

#include "edge/ark.h"
#include "intake/intake.h"
#include "lib/clock.h"
#include "server_fixture.h"
#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#define INSTANCE "unit"

static int listening_socket, plain;
static struct ark_writer w;
static const struct ark_conn entry = { .peer.sin6_family = AF_INET };

static void
begin(void)
{
	listening_socket = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(listen(listening_socket, 1), 0);
	plain = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (plain < 0)
		plain = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

/* ------------------------------------------------------------- the ark ---- */

/* An ark of one listener and n connections, each with `buffered` bytes. */
static void
write_ark(unsigned n, uint32_t buffered)
{
	static uint8_t bytes[64];
	struct ark_conn one = entry;

	one.buffered = buffered;
	ck_assert_int_eq(ark_begin(&w, INSTANCE, 0), 0);
	ck_assert_int_eq(ark_put(&w, listening_socket, NULL, NULL), 0);
	for (unsigned i = 0; i < n; i++) {
		bytes[0] = (uint8_t)i;
		one.offset = i;
		ck_assert_int_eq(ark_put(&w, plain, &one, bytes), 0);
	}
}

static struct ark
ended(void)
{
	ck_assert_int_eq(ark_end(&w), 0);
	struct ark ark = w.ark;
	w.ark.count = 0;
	ark_give_up(&w);
	return ark;
}

static int
open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 4096; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
check_fault(struct ark *ark, const char *fault)
{
	const struct ark_conn *one;
	const uint8_t *bytes;
	struct ark_reader r;
	int before = open_descriptors() - ark->count;

	ck_assert_str_eq(ark_open(&r, ark, INSTANCE), fault);
	ck_assert_int_eq(open_descriptors(), before);
	ck_assert_int_eq(ark_next(&r, &one, &bytes), -1);
}

START_TEST(what_is_put_in_comes_out)
{
	/* More than two messages. */
	write_ark(600, 13);
	struct ark ark = ended();
	struct ark_reader r;
	const struct ark_conn *conn;
	const uint8_t *bytes;
	int fd, part = ark.part[0];
	unsigned n = 0;

	/* A service manager keeps no order. */
	ark.part[0] = ark.part[ark.count - 1];
	ark.part[ark.count - 1] = part;
	ck_assert_ptr_null(ark_open(&r, &ark, INSTANCE));
	ck_assert_int_eq(ark.count, 0);
	fd = ark_next(&r, &conn, &bytes);
	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_null(conn);
	close(fd);
	while ((fd = ark_next(&r, &conn, &bytes)) >= 0) {
		ck_assert_uint_eq(conn->offset, n);
		ck_assert_uint_eq(conn->buffered, 13);
		ck_assert_uint_eq(bytes[0], (uint8_t)n);
		close(fd);
		n++;
	}
	ck_assert_uint_eq(n, 600);
	ark_close(&r);
}
END_TEST

START_TEST(all_or_nothing)
{
	write_ark(300, 0);
	struct ark ark;
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), ends[2];
	int blocks = socket(AF_INET, SOCK_STREAM, 0);
	uint64_t first = 3;

	/* Without the state, which is the last part, and without a queue. */
	ark = ended();
	close(ark.part[--ark.count]);
	check_fault(&ark, "incomplete");
	write_ark(300, 0);
	ark = ended();
	close(ark.part[0]);
	ark.part[0] = ark.part[--ark.count];
	check_fault(&ark, "incomplete");
	/* One that blocks, another kind of socket, a connection that listens,
	 * one twice. */
	write_ark(1, 0);
	ck_assert_int_eq(ark_put(&w, blocks, &entry, NULL), 0);
	ark = ended();
	check_fault(&ark, "damaged");
	write_ark(1, 0);
	ck_assert_int_eq(ark_put(&w, udp, &entry, NULL), 0);
	ark = ended();
	check_fault(&ark, "damaged");
	write_ark(1, 0);
	ck_assert_int_eq(ark_put(&w, listening_socket, &entry, NULL), 0);
	ark = ended();
	check_fault(&ark, "damaged");
	write_ark(5, 0);
	ark = ended();
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	ck_assert_int_eq(
	    ark_send(ends[0], &first, sizeof(first), &plain, 1), 0);
	ark.part[ark.count++] = ends[1];
	close(ends[0]);
	check_fault(&ark, "damaged");
	/* No queue at all. */
	write_ark(0, 0);
	ark = ended();
	ark.part[ark.count++] = udp;
	ck_assert_ptr_nonnull(ark_open(&(struct ark_reader){ 0 }, &ark, "x"));
	ck_assert_int_eq(ark.count, 0);
}
END_TEST

START_TEST(an_unsealed_state_is_refused)
{
	write_ark(1, 0);
	struct ark ark = ended();
	int *state = &ark.part[ark.count - 1];
	char copy[4096];
	ssize_t n = pread(*state, copy, sizeof(copy), 0);
	int unsealed = memfd_create("unsealed", MFD_ALLOW_SEALING);

	ck_assert_int_eq(pwrite(*state, copy, 1, 0), -1);
	ck_assert_int_eq(write(unsealed, copy, (size_t)n), n);
	close(*state);
	*state = unsealed;
	check_fault(&ark, "incomplete");
}
END_TEST

/* A state of one connection with 3 bytes, and what may be damaged in it. */
struct state {
	struct ark_header header;
	struct ark_conn conn;
	uint8_t bytes[8];
};

static struct state
state_make(void)
{
	write_ark(1, 3);
	struct ark ark = ended();
	struct state state;

	ck_assert_int_eq(
	    pread(ark.part[ark.count - 1], &state, sizeof(state), 0),
	    sizeof(state));
	ark_drop(&ark);
	return state;
}

static void
check_parse(const struct state *state, size_t length, const char *fault)
{
	struct ark_reader r;

	ck_assert_pstr_eq(
	    ark_parse(&r, (const uint8_t *)state, length, INSTANCE), fault);
}

START_TEST(each_damage_is_found)
{
	const struct state whole = state_make();
	struct state s = whole;

	check_parse(&s, sizeof(s), NULL);
	check_parse(&s, sizeof(s) - 8, "damaged");
	check_parse(&s, 7, "not an ark");
	s.header.magic[0]++;
	check_parse(&s, sizeof(s), "not an ark");
	s = whole;
	s.header.version++;
	check_parse(&s, sizeof(s), "unknown version");
	s = whole;
	s.header.instance[1]++;
	check_parse(&s, sizeof(s), "of another instance");
	s = whole;
	s.header.connections = UINT64_MAX;
	check_parse(&s, sizeof(s), "damaged");
	s.header.connections = 0;
	check_parse(&s, sizeof(s), "damaged");
	s = whole;
	s.header.listeners = UINT32_MAX;
	check_parse(&s, sizeof(s), "damaged");
	s = whole;
	s.conn.buffered = 9;
	check_parse(&s, sizeof(s), "damaged");
	s.conn.buffered = UINT32_MAX;
	check_parse(&s, sizeof(s), "damaged");
	s = whole;
	s.conn.dialect = DIALECT_ELB + 1;
	check_parse(&s, sizeof(s), "damaged");
	s = whole;
	s.conn.flags = 1u << 31;
	check_parse(&s, sizeof(s), "damaged");
	s = whole;
	s.conn.peer.sin6_family = AF_UNIX;
	check_parse(&s, sizeof(s), "damaged");
}
END_TEST

/* Small queues: the kernel limits what all processes of a user have in flight,
   and tests run beside this one that hand over as well. */
int __real_socketpair(int domain, int type, int protocol, int ends[2]);
int __wrap_socketpair(int domain, int type, int protocol, int ends[2]);

int
__wrap_socketpair(int domain, int type, int protocol, int ends[2])
{
	const int bytes = 1;
	int rc = __real_socketpair(domain, type, protocol, ends);

	for (int i = 0; i < 2 && rc == 0; i++)
		rc = setsockopt(
		    ends[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return rc;
}

START_TEST(what_has_no_room_stays_out)
{
	write_ark(0, 0);
	uint64_t n = 0;
	int rc;

	while ((rc = ark_put(&w, plain, &entry, NULL)) == 0)
		n++;
	/* An ordinary user may not have so many in flight. */
	if (errno == ENOBUFS) {
		ck_assert_int_eq(ark_end(&w), 0);
		ck_assert_uint_ge(w.header.connections, n - ARK_MESSAGE_FDS);
		ck_assert_uint_lt(w.header.connections, n);
		ck_assert_uint_eq(w.header.length,
		    sizeof(w.header) + w.header.connections * sizeof(entry));
	} else {
		ck_assert_int_eq(errno, ETOOMANYREFS);
	}
	ark_give_up(&w);
}
END_TEST

/* --------------------------------------------------------- connections ---- */

/* [1, 7, 8, 9, 100, [[1, 2, 3, 4, false]]] */
static const uint8_t report[] = { 0x96, 1, 7, 8, 9, 100, 0x91, 0x95, 1, 2, 3, 4,
	0xc2 };
static struct prefix loopback = { AF_INET, 8, { 127 } };

static void
serve(void)
{
	const struct settings wanted = { .max_connections = 10,
		.max_message = 1024,
		.message_timeout = 30000,
		.max_connection_age = 100000,
		.balancers = { &loopback, 1 } };

	server_begin(&wanted, 4);
}

/* The agent's bytes arrive and are read. */
static void
agent_sends(const void *bytes, size_t n)
{
	struct conn *conn = TAILQ_FIRST(&server->all);
	struct pollfd pollfd = { .fd = conn->fd, .events = POLLIN };

	ck_assert_int_eq(send(agent, bytes, n, 0), (ssize_t)n);
	ck_assert_int_eq(poll(&pollfd, 1, 5000), 1);
	while (conn_read(server, conn) == PROGRESS_MADE)
		continue;
}

/* From one server to the next.  Returns the connection, if there is one. */
static struct conn *
carried(void)
{
	uint64_t all = server->open + server->gone;
	struct ark_reader r;

	ck_assert_int_eq(
	    ark_begin(&w, INSTANCE, settings.max_connection_age), 0);
	ck_assert_int_eq(carry_out(server, &w), 0);
	struct ark ark = ended();
	carry_close(server, w.header.connections);
	ck_assert_uint_eq(server->open, all - w.header.connections);
	ck_assert_ptr_null(ark_open(&r, &ark, INSTANCE));
	carry_in(server, &r);
	ark_close(&r);
	return TAILQ_FIRST(&server->all);
}

static void
check_counts(uint64_t open)
{
	uint64_t closed = 0;

	for (int i = 0; i < CLOSINGS; i++)
		closed += counter_get(&count.closed[i]);
	ck_assert_uint_eq(server->open, open);
	ck_assert_uint_eq(counter_get(&count.connections), open);
	ck_assert_uint_eq(counter_get(&count.accepted), closed + open);
}

START_TEST(half_a_message_is_continued)
{
	struct conn *conn = agent_connect(false, false);

	agent_sends(report, sizeof(report));
	agent_sends(report, 5);
	conn->inbuf.stream.explained = conn->foreign = true;
	conn->born_ms -= 50000;
	uint64_t born_ms = conn->born_ms;
	conn = carried();
	ck_assert_int_eq(conn->state, CONN_READING);
	ck_assert_uint_ne(conn->begun_ms, 0);
	ck_assert_uint_eq(conn->inbuf.stream.offset, sizeof(report));
	ck_assert_int_eq(conn->inbuf.stream.dialect, DIALECT_NATIVE);
	ck_assert(conn->inbuf.stream.explained && conn->foreign &&
		  !conn->half_closed);
	ck_assert_uint_lt(conn->born_ms - born_ms, 1000);
	ck_assert_uint_eq(server->aging_ms, 0);
	agent_sends(report + 5, sizeof(report) - 5);
	ck_assert_uint_eq(counter_get(&count.received), 2);
	check_counts(1);
}
END_TEST

START_TEST(a_throttled_one_is_throttled_again)
{
	uint8_t bytes[6 * sizeof(report)];
	struct conn *conn = agent_connect(false, false);

	for (size_t i = 0; i < 6; i++)
		memcpy(bytes + i * sizeof(report), report, sizeof(report));
	agent_sends(bytes, sizeof(bytes));
	ck_assert_int_eq(conn->state, CONN_THROTTLED);
	conn = carried();
	ck_assert_int_eq(conn->state, CONN_THROTTLED);
	ck_assert_uint_eq(server->throttled, 1);
	drain(4);
	server_tick(server, monotonic_ms());
	ck_assert_int_eq(conn->state, CONN_READING);
	ck_assert_uint_eq(counter_get(&count.received), 6);
	check_counts(1);
}
END_TEST

START_TEST(one_whose_agent_is_gone_ends)
{
	uint8_t bytes[5 * sizeof(report)];
	struct conn *conn = agent_connect(false, false);

	for (size_t i = 0; i < 5; i++)
		memcpy(bytes + i * sizeof(report), report, sizeof(report));
	agent_sends(bytes, sizeof(bytes));
	shutdown(agent, SHUT_RDWR);
	conn_process(server, conn, EPOLLHUP);
	ck_assert_int_eq(conn->state, CONN_ENDED);
	conn = carried();
	drain(4);
	server_tick(server, monotonic_ms());
	ck_assert_uint_eq(counter_get(&count.received), 5);
	ck_assert_int_eq(conn_read(server, conn), PROGRESS_CLOSED);
	check_counts(0);
}
END_TEST

/* As many more as the limit may be open, while their agents are gone. */
START_TEST(limits_are_not_applied_again)
{
	agent_connect(false, false);
	server->admission.open++;
	settings.max_connections = 1;
	carried();
	check_counts(1);
	ck_assert(!server->admission.unlimited);
}
END_TEST

START_TEST(a_header_is_continued)
{
	static const uint8_t header[] = { '\r', '\n', '\r', '\n', 0, '\r', '\n',
		'Q', 'U', 'I', 'T', '\n', 0x21, 0x11, 0, 12, 10, 0, 0, 1, 127,
		0, 0, 1, 0, 1, 0, 2 };
	struct conn *conn = agent_connect(true, false);

	for (size_t at = 0; at < sizeof(header); at += 7) {
		agent_sends(header + at, 7);
		conn = carried();
	}
	ck_assert_int_eq(conn->state, CONN_READING);
	ck_assert_ptr_nonnull(conn->origin);
	agent_sends(report, sizeof(report));
	ck_assert_uint_eq(counter_get(&count.received), 1);
	check_counts(1);
}
END_TEST

START_TEST(a_balancers_own_stays_one)
{
	static const uint8_t header[] = { '\r', '\n', '\r', '\n', 0, '\r', '\n',
		'Q', 'U', 'I', 'T', '\n', 0x20, 0, 0, 0 };
	struct conn *conn = agent_connect(true, false);

	agent_sends(header, sizeof(header));
	conn->half_closed = true;
	conn = carried();
	ck_assert_int_eq(conn->state, CONN_READING);
	ck_assert_uint_eq(conn->begun_ms, 0);
	ck_assert_ptr_null(conn->origin);
	ck_assert(conn->half_closed);
	check_counts(1);
}
END_TEST

START_TEST(the_rules_apply_again)
{
	agent_connect(false, false);
	settings.denied = (struct prefix_list){ &loopback, 1 };
	ck_assert_ptr_null(carried());
	ck_assert_uint_eq(counter_get(&count.refused[REFUSAL_DENIED]), 1);
	check_counts(0);
}
END_TEST

START_TEST(one_with_tls_stays)
{
	struct conn *conn = agent_connect(false, true);

	ck_assert_ptr_eq(carried(), conn);
	check_counts(1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ark");
	TCase *ark = tcase_create("ark"), *carry = tcase_create("carry");

	tcase_add_checked_fixture(ark, begin, NULL);
	tcase_add_test(ark, what_is_put_in_comes_out);
	tcase_add_test(ark, all_or_nothing);
	tcase_add_test(ark, an_unsealed_state_is_refused);
	tcase_add_test(ark, each_damage_is_found);
	tcase_add_test(ark, what_has_no_room_stays_out);
	suite_add_tcase(suite, ark);
	tcase_add_checked_fixture(carry, serve, server_end);
	tcase_add_test(carry, half_a_message_is_continued);
	tcase_add_test(carry, a_throttled_one_is_throttled_again);
	tcase_add_test(carry, one_whose_agent_is_gone_ends);
	tcase_add_test(carry, limits_are_not_applied_again);
	tcase_add_test(carry, a_header_is_continued);
	tcase_add_test(carry, a_balancers_own_stays_one);
	tcase_add_test(carry, the_rules_apply_again);
	tcase_add_test(carry, one_with_tls_stays);
	suite_add_tcase(suite, carry);
	return suite_run(suite);
}
