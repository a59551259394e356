/* SPDX-License-Identifier: MIT
 *
 * Check suite of src/edge/listener.c: which word of `listen` has which socket,
 * at the start, after a reload that succeeds and after one that fails.
 */
#include "config.h"

#include "edge/listener.h"
#include "suite.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define WORDS 4

static struct listeners listeners;
static int epoll;
static unsigned port; /* nobody else's */

static struct sockaddr_in
loopback(unsigned host, unsigned to_port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)to_port),
		.sin_addr = { htonl(0x7f000000 + host) } };
}

/* A socket bound to 127.0.0.HOST, to any port if `to_port` is 0. */
static int
bound(unsigned host, unsigned to_port)
{
	struct sockaddr_in in = loopback(host, to_port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static void
setup(void)
{
	struct sockaddr_in in;
	socklen_t length = sizeof(in);
	int fd = bound(1, 0);

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &length), 0);
	close(fd);
	port = ntohs(in.sin_port);
	epoll = epoll_create1(0);
	listeners = (struct listeners){ .epoll = epoll };
}

static void
teardown(void)
{
	listeners_close(&listeners);
	close(epoll);
}

/* Have listeners for these words, up to NULL; a %u is the port. */
static int
add(const char *const words[WORDS])
{
	static char text[WORDS][64];
	char *list[WORDS];
	struct words_list specs = { .words = list };

	for (; specs.count < WORDS && words[specs.count] != NULL;
	     specs.count++) {
		char *to = text[specs.count];
		const char *word = words[specs.count];
		const char *colon = strrchr(word, ':');

		snprintf(to, sizeof(text[0]), "%.*s:%u%s", (int)(colon - word),
		    word, colon[1] == '0' ? 0 : port, colon + 2);
		list[specs.count] = to;
	}
	return listeners_add(&listeners, &specs);
}

#define ADD(...) add((const char *const[WORDS]){ __VA_ARGS__ })

static void
reload(const char *const words[WORDS])
{
	ck_assert_int_eq(add(words), 0);
	listeners_commit(&listeners);
}

#define RELOAD(...) reload((const char *const[WORDS]){ __VA_ARGS__ })

static unsigned
count(void)
{
	unsigned n = 0;

	for (int i = 0; i < SOCKETS_MAX; i++)
		n += listeners.listener[i].used;
	return n;
}

/* The listener of 127.0.0.HOST, or NULL. */
static struct listener *
of_host(unsigned host)
{
	for (int i = 0; i < SOCKETS_MAX; i++) {
		struct listener *l = &listeners.listener[i];
		const struct sockaddr_in *in = (const void *)&l->address;

		if (l->used && in->sin_family == AF_INET &&
		    in->sin_addr.s_addr == htonl(0x7f000000 + host))
			return l;
	}
	return NULL;
}

/* Whether a connection to 127.0.0.HOST succeeds; it stays open. */
static bool
connects(unsigned host)
{
	struct sockaddr_in in = loopback(host, port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0;
}

/* The listener that epoll reports, or NULL. */
static struct listener *
reported(int timeout_ms)
{
	struct epoll_event event;

	if (epoll_wait(epoll, &event, 1, timeout_ms) != 1)
		return NULL;
	return listener_of(&listeners, event.data.ptr);
}

/* Words in these tests end in ":P" for the port and ":0" for any. */

START_TEST(each_word_has_its_socket)
{
	int other;

	ck_assert_int_eq(ADD("127.0.0.1:P", "127.0.0.2:P proxy tls"), 0);
	ck_assert_uint_eq(count(), 2);
	ck_assert(!of_host(1)->spec.proxy && !of_host(1)->spec.tls);
	ck_assert(of_host(2)->spec.proxy && of_host(2)->spec.tls);
	ck_assert(connects(2));
	ck_assert_ptr_eq(reported(5000), of_host(2));
	ck_assert_ptr_null(listener_of(&listeners, &other));
}
END_TEST

START_TEST(a_reload_keeps_what_both_have)
{
	RELOAD("127.0.0.1:P", "127.0.0.2:P");
	int kept = of_host(2)->fd;

	RELOAD("127.0.0.2:P proxy", "127.0.0.3:P");
	ck_assert_uint_eq(count(), 2);
	ck_assert_int_eq(of_host(2)->fd, kept);
	ck_assert(of_host(2)->spec.proxy);
	ck_assert(!connects(1));
	ck_assert(connects(3));
	ck_assert_ptr_eq(reported(5000), of_host(3));
}
END_TEST

START_TEST(until_commit_the_old_rules_hold)
{
	RELOAD("127.0.0.1:P", "127.0.0.2:P");
	ck_assert_int_eq(ADD("127.0.0.2:P proxy"), 0);
	ck_assert_uint_eq(count(), 2);
	ck_assert(!of_host(2)->spec.proxy);
	ck_assert(connects(1));
}
END_TEST

START_TEST(undo_closes_what_was_opened)
{
	RELOAD("127.0.0.1:P");
	int kept = of_host(1)->fd;

	ck_assert_int_eq(ADD("127.0.0.1:P proxy", "127.0.0.2:P"), 0);
	ck_assert_uint_eq(count(), 2);
	listeners_undo(&listeners);
	ck_assert_uint_eq(count(), 1);
	ck_assert_int_eq(of_host(1)->fd, kept);
	ck_assert(!of_host(1)->spec.proxy);
	ck_assert(!connects(2));
	ck_assert(connects(1));
	ck_assert_ptr_eq(reported(5000), of_host(1));
}
END_TEST

START_TEST(what_fails_leaves_all_as_it_was)
{
	int taken = bound(3, port);

	RELOAD("127.0.0.1:P");
	int kept = of_host(1)->fd;

	ck_assert_int_lt(ADD("127.0.0.2:P", "127.0.0.3:P"), 0);
	ck_assert_uint_eq(count(), 1);
	ck_assert_int_eq(of_host(1)->fd, kept);
	ck_assert(!connects(2));
	/* The next one is not disturbed. */
	close(taken);
	RELOAD("127.0.0.2:P", "127.0.0.3:P");
	ck_assert_uint_eq(count(), 2);
	ck_assert(!connects(1));
}
END_TEST

START_TEST(a_port_of_the_kernel_stays)
{
	RELOAD("127.0.0.1:0");
	int kept = of_host(1)->fd;
	in_port_t chosen = of_host(1)->address.in6.sin6_port;

	ck_assert_uint_ne(chosen, 0);
	RELOAD("127.0.0.1:0 proxy");
	ck_assert_int_eq(of_host(1)->fd, kept);
	ck_assert_uint_eq(of_host(1)->address.in6.sin6_port, chosen);
	ck_assert(of_host(1)->spec.proxy);
}
END_TEST

/* A number takes precedence over a name; the name gets the address when the
   number goes. */
START_TEST(the_more_specific_word_has_the_address)
{
	RELOAD("localhost:P", "127.0.0.1:P proxy");
	int kept = of_host(1)->fd;

	ck_assert(of_host(1)->spec.proxy);
	RELOAD("localhost:P");
	ck_assert_int_eq(of_host(1)->fd, kept);
	ck_assert(!of_host(1)->spec.proxy);
	RELOAD("127.0.0.1:P proxy", "localhost:P");
	ck_assert_int_eq(of_host(1)->fd, kept);
	ck_assert(of_host(1)->spec.proxy);
}
END_TEST

START_TEST(an_asterisk_is_all_addresses)
{
	RELOAD("*:P");
	unsigned all = count();

	ck_assert_uint_ge(all, 1);
	ck_assert(connects(1) && connects(2));
	RELOAD("0.0.0.0:P");
	ck_assert_uint_eq(count(), 1);
	ck_assert(connects(1));
	RELOAD("*:P", "0.0.0.0:P proxy");
	ck_assert_uint_eq(count(), all);
}
END_TEST

START_TEST(while_unwatched_nothing_is_reported)
{
	RELOAD("127.0.0.1:P");
	listeners_watch(&listeners, false);
	RELOAD("127.0.0.1:P", "127.0.0.2:P");
	ck_assert(connects(1) && connects(2));
	ck_assert_ptr_null(reported(0));
	listeners_watch(&listeners, true);
	ck_assert_ptr_nonnull(reported(5000));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("listener");
	TCase *tc = tcase_create("listener");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_word_has_its_socket);
	tcase_add_test(tc, a_reload_keeps_what_both_have);
	tcase_add_test(tc, until_commit_the_old_rules_hold);
	tcase_add_test(tc, undo_closes_what_was_opened);
	tcase_add_test(tc, what_fails_leaves_all_as_it_was);
	tcase_add_test(tc, a_port_of_the_kernel_stays);
	tcase_add_test(tc, the_more_specific_word_has_the_address);
	tcase_add_test(tc, an_asterisk_is_all_addresses);
	tcase_add_test(tc, while_unwatched_nothing_is_reported);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
