/* SPDX-License-Identifier: MIT
 *
 * The client library against hosts in a thread: such that read, that refuse,
 * that do not read, and that are away.
 */
#include "config.h"

#include "client/reporter.h"
#include "lib/clock.h"
#include "sink.h"
#include "suite.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum mood {
	READS,
	TALKS,   /* the same, and sends bytes */
	REFUSES, /* closes at once */
	DEAF,    /* accepts, and reads nothing */
	FLOODS   /* the same, and sends without end */
};

enum {
	RECORDS_MAX = 400000,
	CONNECTIONS_MAX = 64
};

/* A host, which serves one connection after the other. */
struct host {
	int listener, fd;
	char port[8];
	pthread_t thread;
	pthread_mutex_t lock;
	enum mood mood;
	unsigned accepted;
	uint64_t flooded; /* bytes sent */
	bool stop;
	/* Each connection is decoded from its first byte. */
	struct sink got[CONNECTIONS_MAX];
};

static void
nap(void)
{
	nanosleep(&(const struct timespec){ 0, 2000000L }, NULL);
}

/* Under the lock.  Read what there is into the connection's own bytes. */
static void
host_read(struct host *host)
{
	struct sink *sink = &host->got[host->accepted - 1];
	char bytes[65536];
	ssize_t n = recv(host->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n > 0) {
		sink->bytes = realloc(sink->bytes, sink->length + (size_t)n);
		memcpy(sink->bytes + sink->length, bytes, (size_t)n);
		sink->length += (size_t)n;
	} else if (n == 0 || errno != EAGAIN) {
		close(host->fd);
		host->fd = -1;
	}
}

/* Under the lock.  Send as much as is taken, but not for ever. */
static void
host_flood(struct host *host)
{
	static const char bytes[65536];
	ssize_t n = 1;

	for (int i = 0; i < 64 && n > 0; i++) {
		n = send(host->fd, bytes, sizeof(bytes),
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		host->flooded += n > 0 ? (uint64_t)n : 0;
	}
}

static void *
host_serve(void *arg)
{
	struct host *host = arg;

	for (;;) {
		pthread_mutex_lock(&host->lock);
		bool stop = host->stop;
		int fd = host->fd < 0
			     ? accept4(host->listener, NULL, NULL, SOCK_CLOEXEC)
			     : -1;
		if (fd >= 0) {
			ck_assert_uint_lt(host->accepted, CONNECTIONS_MAX);
			host->accepted++;
			host->fd = fd;
			if (host->mood == REFUSES) {
				close(fd);
				host->fd = -1;
			}
		}
		if (host->fd >= 0 && host->mood == TALKS)
			send(host->fd, host, sizeof(*host),
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (host->fd >= 0 && host->mood == FLOODS)
			host_flood(host);
		if (host->fd >= 0 && host->mood <= TALKS)
			host_read(host);
		struct pollfd fds[] = {
			{ .fd = host->listener, .events = POLLIN },
			{ .fd = host->fd, .events = POLLIN },
		};
		pthread_mutex_unlock(&host->lock);
		if (stop)
			return NULL;
		poll(fds, 2, 1);
	}
}

/* port: "0" for a free one. */
static void
host_start(
    struct host *host, const char *address, const char *port, enum mood mood)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)) };
	socklen_t size = sizeof(in);
	int on = 1;

	memset(host, 0, sizeof(*host));
	host->fd = -1;
	host->mood = mood;
	pthread_mutex_init(&host->lock, NULL);
	inet_pton(AF_INET, address, &in.sin_addr);
	host->listener =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(host->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ck_assert_int_eq(
	    bind(host->listener, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(host->listener, 8), 0);
	getsockname(host->listener, (struct sockaddr *)&in, &size);
	snprintf(host->port, sizeof(host->port), "%u", ntohs(in.sin_port));
	ck_assert_int_eq(
	    pthread_create(&host->thread, NULL, host_serve, host), 0);
}

static void
host_stop(struct host *host)
{
	pthread_mutex_lock(&host->lock);
	host->stop = true;
	pthread_mutex_unlock(&host->lock);
	pthread_join(host->thread, NULL);
	if (host->fd >= 0)
		close(host->fd);
	close(host->listener);
}

static void
host_free(struct host *host)
{
	for (unsigned i = 0; i < host->accepted; i++)
		free(host->got[i].bytes);
}

static void
host_set_mood(struct host *host, enum mood mood)
{
	pthread_mutex_lock(&host->lock);
	host->mood = mood;
	pthread_mutex_unlock(&host->lock);
}

static unsigned
host_accepted(struct host *host)
{
	pthread_mutex_lock(&host->lock);
	unsigned n = host->accepted;
	pthread_mutex_unlock(&host->lock);
	return n;
}

/* Wait until the host has read what its system has acknowledged. */
static void
host_settle(struct host *host)
{
	bool more = true;

	while (more) {
		struct pollfd fd = { .fd = host->listener, .events = POLLIN };
		int unread = 0;

		pthread_mutex_lock(&host->lock);
		if (host->fd >= 0)
			ioctl(host->fd, FIONREAD, &unread);
		more = unread > 0 || poll(&fd, 1, 0) > 0;
		pthread_mutex_unlock(&host->lock);
		if (more)
			nap();
	}
}

static void
host_end(struct host *host)
{
	host_stop(host);
	host_free(host);
}

static void
host_hang_up(struct host *host)
{
	pthread_mutex_lock(&host->lock);
	if (host->fd >= 0)
		close(host->fd);
	host->fd = -1;
	pthread_mutex_unlock(&host->lock);
}

/* The records of all connections, each of which must begin with a report and
   have nothing but reports.  *reports: how many. */
static struct record *
host_records(struct host *host, size_t *n, size_t *reports)
{
	struct record *records = calloc(RECORDS_MAX, sizeof(*records));
	size_t more;

	ck_assert_ptr_nonnull(records);
	*n = *reports = 0;
	host_settle(host);
	pthread_mutex_lock(&host->lock);
	for (unsigned i = 0; i < host->accepted; i++) {
		if (host->got[i].length == 0)
			continue;
		*n += sink_decode(
		    &host->got[i], records + *n, RECORDS_MAX - *n, &more);
		*reports += more;
	}
	pthread_mutex_unlock(&host->lock);
	return records;
}

/* The figures of a port's newest record; false: there is none. */
static bool
host_newest(struct host *host, uint16_t port, uint32_t *succ, uint32_t *err)
{
	size_t n, reports;
	struct record *records = host_records(host, &n, &reports);
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		if (records[i].port != port)
			continue;
		*succ = records[i].succ;
		*err = records[i].err;
		found = true;
	}
	free(records);
	return found;
}

static struct reporter *
open_client(const char *hosts, const char *port, uint32_t interval_ms,
    uint32_t keys_max, uint32_t flags)
{
	struct reporter *r = reporter_open(&(const struct reporter_options){
	    .size = sizeof(struct reporter_options),
	    .hosts = hosts,
	    .port = port,
	    .interval_ms = interval_ms,
	    .keys_max = keys_max,
	    .flags = flags,
	});

	ck_assert_ptr_nonnull(r);
	return r;
}

static struct reporter_stats
stats_of(struct reporter *r)
{
	struct reporter_stats stats = { .size = sizeof(stats) };

	reporter_stats(r, &stats);
	return stats;
}

#define HOUR 3600000

static struct host host;

#if defined(__SANITIZE_THREAD__)
#define TSAN 1
#elif defined(__has_feature)
#define TSAN __has_feature(thread_sanitizer)
#else
#define TSAN 0
#endif

/* A child of a process with threads starts one of its own. */
const char *__tsan_default_options(void);

const char *
__tsan_default_options(void)
{
	return "die_after_fork=0";
}

/* The time of day, and a name, are the test's. */
static _Atomic time_t ahead;

time_t __real_time(time_t *into);
time_t __wrap_time(time_t *into);

time_t
__wrap_time(time_t *into)
{
	(void)into;
	return __real_time(NULL) + ahead;
}

/* So many seconds pass at once. */
static _Atomic time_t later;

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = __real_clock_gettime(clock, now);

	now->tv_sec += later;
	return result;
}

/* Whether all that is sent is lost, as the system knows. */
static _Atomic bool retransmits;

int __real_getsockopt(
    int fd, int level, int name, void *value, socklen_t *size);
int __wrap_getsockopt(
    int fd, int level, int name, void *value, socklen_t *size);

int
__wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	int result = __real_getsockopt(fd, level, name, value, size);

	if (level == IPPROTO_TCP && name == TCP_INFO && retransmits)
		((struct tcp_info *)value)->tcpi_unacked =
		    ((struct tcp_info *)value)->tcpi_retransmits = 1;
	return result;
}

/* The thread of a client needs a descriptor. */
static _Atomic bool no_descriptors;
static _Atomic unsigned descriptors_wanted;

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);

int
__wrap_eventfd(unsigned count, int flags)
{
	descriptors_wanted++;
	if (!no_descriptors)
		return __real_eventfd(count, flags);
	errno = EMFILE;
	return -1;
}

int __real_getaddrinfo(const char *name, const char *port,
    const struct addrinfo *hints, struct addrinfo **list);
int __wrap_getaddrinfo(const char *name, const char *port,
    const struct addrinfo *hints, struct addrinfo **list);

int
__wrap_getaddrinfo(const char *name, const char *port,
    const struct addrinfo *hints, struct addrinfo **list)
{
	if (strcmp(name, "hangs.test") == 0)
		sleep(3);
	if (strcmp(name, "several.test") != 0)
		return __real_getaddrinfo(name, port, hints, list);
	__real_getaddrinfo("127.0.0.3", port, hints, list);
	return __real_getaddrinfo("127.0.0.1", port, hints, &(*list)->ai_next);
}

START_TEST(counts_arrive)
{
	uint32_t succ, err;

	host_start(&host, "127.0.0.1", "0", READS);
	struct reporter *r = open_client(NULL, host.port, HOUR, 0, 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(
		    reporter_call(r, 1, -2, 0x0a000001, 80, i % 4 != 0), 0);
	ck_assert_int_eq(reporter_add(r, 1, -2, 0x0a000001, 80, 7, 0), 0);
	ck_assert_int_eq(reporter_flush(r, 5000), 0);
	ck_assert_uint_eq(stats_of(r).reports, 1);
	/* The next report begins at zero. */
	reporter_call(r, 1, -2, 0x0a000001, 80, 0);
	ck_assert_int_eq(reporter_close(r, 5000), 0);
	size_t n, reports;
	struct record *records = host_records(&host, &n, &reports);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(records->modid, 1);
	ck_assert_int_eq(records->cmdid, -2);
	ck_assert_uint_eq(records->ip, 0x0a000001);
	ck_assert_uint_eq(records->caller, 0x7f000001);
	ck_assert_uint_eq(records->succ, 82);
	ck_assert_uint_eq(records->err, 25);
	free(records);
	ck_assert(host_newest(&host, 80, &succ, &err));
	ck_assert_uint_eq(succ, 0);
	ck_assert_uint_eq(err, 1);
	host_end(&host);
}
END_TEST

START_TEST(nothing_is_lost_while_the_host_is_away)
{
	uint32_t succ = 0, err;
	char port[8];

	host_start(&host, "127.0.0.1", "0", READS);
	strcpy(port, host.port);
	struct reporter *r = open_client(NULL, port, 20, 0, 0);
	reporter_call(r, 1, 1, 1, 80, 1);
	ck_assert_int_eq(reporter_flush(r, 5000), 0);
	host_end(&host);
	while (stats_of(r).connected)
		nap();
	for (int i = 0; i < 100; i++) {
		reporter_call(r, 1, 1, 1, 80, 1);
		reporter_call(r, 1, 1, 1, (uint16_t)(1000 + i), 0);
		nap();
	}
	host_start(&host, "127.0.0.1", port, READS);
	ck_assert_int_eq(reporter_flush(r, 10000), 0);
	ck_assert(host_newest(&host, 80, &succ, &err));
	ck_assert_uint_eq(succ, 100);
	for (int i = 0; i < 100; i++)
		ck_assert(
		    host_newest(&host, (uint16_t)(1000 + i), &succ, &err));
	ck_assert_int_eq(reporter_close(r, 5000), 0);
	host_end(&host);
}
END_TEST

/* The figures of a report that may have been lost with its connection are sent
   once more, unless there are newer ones. */
START_TEST(a_lost_report_is_sent_again)
{
	uint32_t succ = 0, err = 0;

	host_start(&host, "127.0.0.1", "0", READS);
	struct reporter *r = open_client(NULL, host.port, HOUR, 0, 0);
	reporter_add(r, 1, 1, 1, 80, 5, 0);
	reporter_add(r, 1, 1, 1, 81, 6, 0);
	ck_assert_int_eq(reporter_flush(r, 5000), 0);
	host_settle(&host);
	host_settle(&host);
	host_hang_up(&host);
	while (stats_of(r).connected)
		nap();
	reporter_add(r, 1, 1, 1, 81, 0, 2);
	ck_assert_int_eq(reporter_flush(r, 10000), 0);
	size_t n, reports;
	struct record *records = host_records(&host, &n, &reports);
	ck_assert_uint_eq(n, 4);
	ck_assert_uint_eq(record_ts(&records[0]), record_ts(&records[2]));
	free(records);
	ck_assert(host_newest(&host, 80, &succ, &err));
	ck_assert_uint_eq(succ, 5);
	ck_assert(host_newest(&host, 81, &succ, &err));
	ck_assert_uint_eq(succ, 0);
	ck_assert_uint_eq(err, 2);
	ck_assert_int_eq(reporter_close(r, 5000), 0);
	host_end(&host);
}
END_TEST

START_TEST(a_host_that_refuses_is_not_pressed)
{
	host_start(&host, "127.0.0.1", "0", REFUSES);
	struct reporter *r = open_client(NULL, host.port, 10, 0, 0);
	uint64_t began = monotonic_ms();
	reporter_call(r, 1, 1, 1, 80, 1);
	while (monotonic_ms() - began < 3500) {
		reporter_call(r, 1, 1, 1, 80, 1);
		nap();
	}
	/* At once, after 1 to 2 seconds, after 2 to 4 more. */
	ck_assert_uint_ge(host_accepted(&host), 2);
	ck_assert_uint_le(host_accepted(&host), 3);
	host_set_mood(&host, READS);
	ck_assert_int_eq(reporter_flush(r, 10000), 0);
	ck_assert_int_eq(reporter_close(r, 5000), 0);
	host_end(&host);
}
END_TEST

START_TEST(other_hosts_are_tried_at_once)
{
	char hosts[128];

	host_start(&host, "127.0.0.1", "0", READS);
	snprintf(hosts, sizeof(hosts), "127.0.0.2, [::1]:%s, no.invalid, %s",
	    host.port, "127.0.0.1");
	struct reporter *r = open_client(hosts, host.port, HOUR, 0, 0);
	reporter_call(r, 1, 1, 1, 80, 1);
	ck_assert_int_eq(reporter_flush(r, 1500), 0);
	ck_assert_int_eq(reporter_close(r, 1000), 0);
	host_end(&host);
}
END_TEST

START_TEST(a_deaf_host_stops_nobody)
{
	host_start(&host, "127.0.0.1", "0", DEAF);
	struct reporter *r = open_client(NULL, host.port, 10, 100000, 0);
	uint64_t began = monotonic_ms();
	bool good = true; /* an assertion for each would take seconds */
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 100000; i++)
			good &=
			    reporter_add(r, (int32_t)i, 1, i, 80, 1, 0) == 0;
		ck_assert_int_eq(reporter_flush(r, 100), -1);
		ck_assert_int_eq(errno, ETIMEDOUT);
	}
	ck_assert(good);
	ck_assert_int_eq(reporter_call(r, 1, 1, 1, 81, 1), -1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_uint_eq(stats_of(r).dropped, 1);
	ck_assert_uint_eq(stats_of(r).keys, 100000);
	host_set_mood(&host, READS);
	ck_assert_int_eq(reporter_flush(r, 20000), 0);
	ck_assert_int_eq(reporter_close(r, 5000), 0);
	ck_assert_uint_lt(monotonic_ms() - began, 25000);
	size_t n, reports;
	struct record *records = host_records(&host, &n, &reports);
	uint64_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += records[i].succ;
	ck_assert_uint_eq(sum, 300000);
	ck_assert_uint_eq(host.accepted, 1);
	free(records);
	host_end(&host);
}
END_TEST

START_TEST(closing_is_bounded)
{
	host_start(&host, "127.0.0.1", "0", DEAF);
	struct reporter *r = open_client(NULL, host.port, HOUR, 0, 0);
	reporter_call(r, 1, 1, 1, 80, 1);
	uint64_t began = monotonic_ms();
	ck_assert_int_eq(reporter_close(r, 200), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_uint_lt(monotonic_ms() - began, 1500);
	host_end(&host);
	/* Nobody listens there now. */
	r = open_client(NULL, host.port, HOUR, 0, 0);
	reporter_call(r, 1, 1, 1, 80, 1);
	began = monotonic_ms();
	ck_assert_int_eq(reporter_close(r, 0), -1);
	ck_assert_uint_lt(monotonic_ms() - began, 1000);
	r = open_client(NULL, host.port, HOUR, 0, 0);
	ck_assert_int_eq(reporter_close(r, 1000), 0);
	ck_assert_int_eq(reporter_close(NULL, 0), 0);
}
END_TEST

START_TEST(an_overload_is_sent_at_once)
{
	size_t n = 0, reports;
	struct record *records;

	host_start(&host, "127.0.0.1", "0", READS);
	struct reporter *r = open_client(NULL, host.port, HOUR, 0, 0);
	uint64_t began = monotonic_ms();
	ck_assert_int_eq(reporter_overload(r, 1, 2, 3, 80, 1), 0);
	ck_assert_int_eq(reporter_overload(r, 1, 2, 3, 80, 1), 0);
	for (; n < 1; free(records), nap())
		records = host_records(&host, &n, &reports);
	ck_assert_uint_lt(monotonic_ms() - began, 900);
	/* Changes to and fro: one report a second. */
	for (int i = 0; i < 400; i++) {
		reporter_overload(r, 1, 2, 3, 80, i % 2);
		nap();
	}
	ck_assert_int_eq(reporter_close(r, 5000), 0);
	records = host_records(&host, &n, &reports);
	ck_assert_uint_le(n, 4);
	ck_assert(records[0].overload);
	ck_assert(records[n - 1].overload);
	free(records);
	host_end(&host);
}
END_TEST

START_TEST(all_addresses_of_a_name_are_tried)
{
	host_start(&host, "127.0.0.1", "0", READS);
	struct reporter *r = open_client("several.test", host.port, HOUR, 0, 0);
	reporter_call(r, 1, 1, 1, 80, 1);
	ck_assert_int_eq(reporter_flush(r, 1500), 0);
	ck_assert_int_eq(reporter_close(r, 1000), 0);
	host_end(&host);
}
END_TEST

START_TEST(a_name_that_hangs_holds_nobody_up)
{
	struct reporter *r = open_client("hangs.test", "1", HOUR, 0, 0);
	uint64_t began = monotonic_ms();

	reporter_call(r, 1, 1, 1, 80, 1);
	ck_assert_int_eq(reporter_close(r, 100), -1);
	ck_assert_uint_lt(monotonic_ms() - began, 1500);
	/* For tools that look for leaks: the thread frees the client. */
	sleep(4);
}
END_TEST

START_TEST(bytes_that_come_back_are_ignored)
{
	uint32_t succ = 0, err;

	host_start(&host, "127.0.0.1", "0", TALKS);
	struct reporter *r = open_client(NULL, host.port, 10, 0, 0);
	for (int i = 0; i < 100; i++) {
		reporter_add(r, 1, 1, 1, 80, 100, 0);
		nap();
	}
	ck_assert_int_eq(reporter_flush(r, 5000), 0);
	ck_assert_uint_eq(stats_of(r).connections, 1);
	ck_assert(host_newest(&host, 80, &succ, &err));
	ck_assert_uint_ge(succ, 100);
	host_set_mood(&host, READS);
	ck_assert_int_eq(reporter_close(r, 5000), 0);
	host_end(&host);
}
END_TEST

START_TEST(time_does_not_go_back)
{
	static const time_t steps[] = { 0, -3600, 7200 };
	size_t n, reports;

	host_start(&host, "127.0.0.1", "0", READS);
	struct reporter *r = open_client(NULL, host.port, HOUR, 0, 0);
	for (size_t i = 0; i < 3; i++) {
		ahead = steps[i];
		reporter_call(r, 1, 1, 1, 80, 1);
		ck_assert_int_eq(reporter_flush(r, 1000), 0);
	}
	ck_assert_int_eq(reporter_close(r, 1000), 0);
	struct record *records = host_records(&host, &n, &reports);
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(record_ts(&records[1]), record_ts(&records[0]));
	ck_assert_uint_ge(
	    record_ts(&records[2]), record_ts(&records[0]) + 7000);
	free(records);
	host_end(&host);
}
END_TEST

START_TEST(idle_keys_make_room)
{
	uint32_t succ, err;

	host_start(&host, "127.0.0.1", "0", READS);
	struct reporter *r = open_client(NULL, host.port, 10, 2, 0);
	reporter_call(r, 1, 1, 1, 80, 1);
	reporter_call(r, 1, 1, 1, 81, 1);
	ck_assert_int_eq(reporter_flush(r, 1000), 0);
	uint64_t began = monotonic_ms();
	while (reporter_call(r, 1, 1, 1, 82, 1) < 0 &&
	       monotonic_ms() - began < 5000)
		nap();
	ck_assert_int_eq(reporter_call(r, 1, 1, 1, 80, 1), 0);
	ck_assert_int_eq(reporter_close(r, 1000), 0);
	ck_assert(host_newest(&host, 82, &succ, &err));
	ck_assert(host_newest(&host, 80, &succ, &err));
	ck_assert_uint_eq(succ, 1);
	host_end(&host);
}
END_TEST

START_TEST(a_host_that_floods_costs_little)
{
	struct timespec second = { 1, 0 };

	host_start(&host, "127.0.0.1", "0", FLOODS);
	struct reporter *r = open_client(NULL, host.port, 10, 0, 0);
	reporter_add(r, 1, 1, 1, 80, 100, 0);
	ck_assert_int_eq(reporter_flush(r, 5000), 0);
	pthread_mutex_lock(&host.lock);
	uint64_t began = host.flooded;
	pthread_mutex_unlock(&host.lock);
	nanosleep(&second, NULL);
	pthread_mutex_lock(&host.lock);
	uint64_t flooded = host.flooded - began;
	pthread_mutex_unlock(&host.lock);
	/* Buffers of the system are some megabytes. */
	ck_assert_uint_lt(flooded, 16 << 20);
	ck_assert_uint_eq(stats_of(r).connections, 1);
	host_set_mood(&host, READS);
	ck_assert_int_eq(reporter_close(r, 20000), 0);
	host_end(&host);
}
END_TEST

/* Counts are taken meanwhile, for its key too. */
START_TEST(an_overload_while_throttled_waits_for_nothing)
{
	enum {
		KEYS = 150000
	};
	size_t n, reports;
	int small = 4096;

	host_start(&host, "127.0.0.1", "0", DEAF);
	setsockopt(host.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	struct reporter *r =
	    open_client(NULL, host.port, HOUR, KEYS + 1, REPORTER_NO_THREAD);
	reporter_add(r, -1, 1, 1, 80, 1, 0);
	for (int32_t i = 0; i < KEYS; i++)
		reporter_add(r, i, 1, 1, 81, 1, 0);
	later += 3601;
	for (int i = 0; i < 200; i++, nap())
		reporter_turn(r);
	/* The first key is sent, the last one is not. */
	ck_assert_uint_gt(stats_of(r).results, 0);
	ck_assert_uint_lt(stats_of(r).results, KEYS);
	ck_assert_int_eq(reporter_overload(r, -1, 1, 1, 80, 1), 0);
	later += 3601;
	reporter_turn(r);
	host_set_mood(&host, READS);
	uint64_t began = monotonic_ms();
	while (stats_of(r).results < KEYS + 2 && monotonic_ms() - began < 15000)
		poll(NULL, 0, reporter_turn(r) > 0);
	ck_assert_uint_eq(stats_of(r).results, KEYS + 2);
	ck_assert_int_eq(reporter_close(r, 20000), 0);
	struct record *records = host_records(&host, &n, &reports);
	ck_assert_uint_eq(n, KEYS + 2);
	ck_assert_uint_eq(records[n - 1].port, 80);
	ck_assert(records[n - 1].overload);
	free(records);
	later = 0;
	host_end(&host);
}
END_TEST

static void
count_errors(void *arg, enum reporter_level level, const char *text)
{
	if (level != REPORTER_ERROR)
		return;
	ck_assert_ptr_nonnull(strstr(text, "cannot start the thread: "));
	++*(int *)arg;
}

START_TEST(a_thread_that_cannot_start_is_tried_each_second)
{
	int told = 0;

	host_start(&host, "127.0.0.1", "0", READS);
	struct reporter_options o = { .size = sizeof(o),
		.port = host.port,
		.interval_ms = HOUR,
		.log = count_errors,
		.log_arg = &told };
	struct reporter *r = reporter_open(&o);
	no_descriptors = true;
	descriptors_wanted = 0;
	for (unsigned seconds = 1; seconds <= 3; seconds++) {
		for (int i = 0; i < 100; i++)
			ck_assert_int_eq(reporter_call(r, 1, 1, 1, 80, 1), 0);
		ck_assert_int_eq(reporter_flush(r, 1000), -1);
		ck_assert_uint_eq(descriptors_wanted, seconds);
		ck_assert_int_eq(told, 1);
		later += 1;
	}
	no_descriptors = false;
	ck_assert_int_eq(reporter_flush(r, 5000), 0);
	uint32_t succ = 0, err;
	ck_assert(host_newest(&host, 80, &succ, &err));
	ck_assert_uint_eq(succ, 300);
	ck_assert_int_eq(reporter_close(r, 5000), 0);
	/* At the end it is not needed. */
	no_descriptors = true;
	r = reporter_open(&o);
	reporter_add(r, 1, 1, 1, 81, 7, 0);
	ck_assert_int_eq(reporter_close(r, 5000), 0);
	no_descriptors = false;
	ck_assert(host_newest(&host, 81, &succ, &err));
	ck_assert_uint_eq(succ, 7);
	later = 0;
	host_end(&host);
}
END_TEST

/* A host whose answers are lost counts as lost after half a minute. */
START_TEST(a_host_that_does_not_answer_is_left)
{
	static struct host other;
	char hosts[64];
	uint32_t succ = 0, err;

	host_start(&host, "127.0.0.1", "0", READS);
	host_start(&other, "127.0.0.1", "0", READS);
	snprintf(hosts, sizeof(hosts), "127.0.0.1:%s, 127.0.0.1:%s", host.port,
	    other.port);
	struct reporter *r =
	    open_client(hosts, NULL, HOUR, 0, REPORTER_NO_THREAD);
	reporter_add(r, 1, 1, 1, 80, 5, 0);
	ck_assert_int_eq(reporter_flush(r, 5000), 0);
	later += 11; /* it did not refuse */
	retransmits = true;
	for (int i = 0; i < 3; i++, later += 14) {
		ck_assert_int_le(reporter_turn(r), 30000);
		ck_assert_uint_eq(stats_of(r).connected, 1);
	}
	reporter_turn(r);
	ck_assert_uint_eq(stats_of(r).connected, 0);
	/* It is tried again first, and refuses. */
	host_stop(&host);
	retransmits = false;
	ck_assert_int_eq(reporter_close(r, 10000), 0);
	ck_assert(host_newest(&other, 80, &succ, &err));
	ck_assert_uint_eq(succ, 5);
	later = 0;
	host_free(&host);
	host_end(&other);
}
END_TEST

/* Kilobytes of memory that this process has touched. */
static long
touched(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%*d %ld", &pages), 1);
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE) / 1024;
}

/* The thread of a client takes none: all that can be blocked are. */
START_TEST(signals_are_the_programs)
{
	struct reporter *r = open_client(NULL, "1", HOUR, 0, 0);
	char line[256], path[300];
	uint64_t blocked = 0;

	reporter_call(r, 1, 1, 1, 1, 1);
	DIR *tasks = opendir("/proc/self/task");
	ck_assert_ptr_nonnull(tasks);
	for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/status",
		    task->d_name);
		FILE *file = fopen(path, "r");
		bool mine = false;
		while (file != NULL && fgets(line, sizeof(line), file)) {
			mine |= strcmp(line, "Name:\treporter\n") == 0;
			if (mine && strncmp(line, "SigBlk:", 7) == 0)
				blocked = strtoull(line + 7, NULL, 16);
		}
		if (file != NULL)
			fclose(file);
	}
	closedir(tasks);
	for (int signal = 1; signal < 32; signal++)
		if (signal != SIGKILL && signal != SIGSTOP)
			ck_assert_uint_ne(
			    blocked & UINT64_C(1) << (signal - 1), 0);
	ck_assert_int_eq(reporter_close(r, 0), -1);
}
END_TEST

START_TEST(keys_without_calls_take_no_memory)
{
	long before = touched();
	struct reporter *r = open_client(NULL, "1", HOUR, 10000000, 0);

	ck_assert_int_lt(touched() - before, 100000);
	ck_assert_int_eq(reporter_close(r, 0), 0);
}
END_TEST

/* ----------------------------------------------------------------- fork --- */

static _Atomic bool calls_enough;

static void *
calls_forever(void *arg)
{
	struct reporter *r = arg;

	while (!atomic_load(&calls_enough))
		reporter_call(r, 9, 9, 9, 99, 1);
	return NULL;
}

START_TEST(a_child_begins_anew)
{
	uint32_t succ = 0, err = 0;
	pthread_t threads[2];
	int status;

	host_start(&host, "127.0.0.1", "0", READS);
	struct reporter *r = open_client(NULL, host.port, HOUR, 0, 0);
	reporter_add(r, 1, 1, 1, 80, 5, 0);
	ck_assert_int_eq(reporter_flush(r, 5000), 0);
	reporter_add(r, 1, 1, 1, 81, 5, 0);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, calls_forever, r);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			struct reporter_stats none = { .size = sizeof(none) };
			if (i % 2 == 0)
				_exit(reporter_close(r, 100) != 0);
			reporter_stats(r, &none);
			_exit(none.keys != 0 || none.results != 0);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
	}
	atomic_store(&calls_enough, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	/* A child's counts come by its own connection. */
	host_hang_up(&host);
	pid_t pid = fork();
	if (pid == 0) {
		reporter_add(r, 7, 7, 7, 82, 7, 0);
		_exit(reporter_close(r, 10000) != 0);
	}
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	ck_assert(host_newest(&host, 82, &succ, &err));
	ck_assert_uint_eq(succ, 7);
	ck_assert_int_eq(reporter_close(r, 10000), 0);
	ck_assert(host_newest(&host, 81, &succ, &err));
	ck_assert_uint_eq(succ, 5);
	host_end(&host);
}
END_TEST

static void *
flush_soon(void *arg)
{
	reporter_flush(arg, 300);
	return NULL;
}

START_TEST(a_canceled_thread_leaves_no_lock)
{
	pthread_t thread;

	struct reporter *r = open_client(NULL, "1", HOUR, 0, 0);
	reporter_call(r, 1, 1, 1, 80, 1);
	ck_assert_int_eq(pthread_create(&thread, NULL, flush_soon, r), 0);
	nap();
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	ck_assert_int_eq(reporter_close(r, 0), -1);
}
END_TEST

/* ------------------------------------------------------ without thread ---- */

START_TEST(a_program_with_a_loop_of_its_own)
{
	uint32_t succ = 0, err;
	bool found = false;

	host_start(&host, "127.0.0.1", "0", READS);
	struct reporter *r =
	    open_client(NULL, host.port, 50, 0, REPORTER_NO_THREAD);
	reporter_add(r, 1, 1, 1, 80, 5, 0);
	for (int i = 0; i < 200 && !found; i++) {
		int wait = reporter_turn(r);
		struct pollfd fd = { .fd = reporter_fd(r),
			.events = reporter_events(r) };
		ck_assert_int_le(wait, 60000);
		poll(&fd, 1, wait);
		found = host_newest(&host, 80, &succ, &err);
	}
	ck_assert_uint_eq(succ, 5);
	reporter_add(r, 1, 1, 1, 80, 6, 0);
	ck_assert_int_eq(reporter_flush(r, 5000), 0);
	ck_assert(host_newest(&host, 80, &succ, &err));
	ck_assert_uint_eq(succ, 6);
	ck_assert_int_eq(reporter_close(r, 5000), 0);
	host_end(&host);
}
END_TEST

START_TEST(a_quiet_client_sends_heartbeats)
{
	size_t n, reports;

	host_start(&host, "127.0.0.1", "0", READS);
	struct reporter *r =
	    open_client(NULL, host.port, 8 * HOUR, 0, REPORTER_NO_THREAD);
	reporter_add(r, 1, 1, 1, 80, 5, 0);
	ck_assert_int_eq(reporter_flush(r, 5000), 0);
	for (unsigned i = 1; i <= 5; i++) {
		ck_assert_int_le(reporter_turn(r), 60000);
		ck_assert_uint_eq(stats_of(r).heartbeats, i - 1);
		later += 61;
		reporter_turn(r);
		ck_assert_uint_eq(stats_of(r).heartbeats, i);
	}
	ck_assert_int_eq(reporter_close(r, 5000), 0);
	free(host_records(&host, &n, &reports));
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(reports, 6);
	later = 0;
	host_end(&host);
}
END_TEST

/* --------------------------------------------------------- many threads --- */

enum {
	THREADS = 8,
	ROUNDS = 50000
};

static void *
calls_many(void *arg)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		reporter_call(arg, 1, 1, 1, 80, 1);
		reporter_call(arg, 1, (int32_t)(i % 1000), 2, 81, 0);
	}
	return NULL;
}

START_TEST(each_call_is_counted_once)
{
	pthread_t threads[THREADS];
	size_t n, reports;
	uint64_t succ = 0, err = 0;

	host_start(&host, "127.0.0.1", "0", READS);
	struct reporter *r = open_client(NULL, host.port, 100, 0, 0);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, calls_many, r);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(reporter_close(r, 10000), 0);
	struct record *records = host_records(&host, &n, &reports);
	for (size_t i = 0; i < n; i++) {
		succ += records[i].succ;
		err += records[i].err;
	}
	ck_assert_uint_eq(succ, THREADS * ROUNDS);
	ck_assert_uint_eq(err, THREADS * ROUNDS);
	free(records);
	host_end(&host);
}
END_TEST

START_TEST(invalid_options_are_refused)
{
	struct reporter_options o = { .size = sizeof(o) };
	const char *const bad[] = { "", "a:0", "a:65536", "[::1", ":80" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		o.hosts = bad[i];
		ck_assert_ptr_null(reporter_open(&o));
		ck_assert_int_eq(errno, EINVAL);
	}
	o.hosts = NULL;
	o.flags = 2;
	ck_assert_ptr_null(reporter_open(&o));
	ck_assert_int_eq(errno, EINVAL);
	o = (struct reporter_options){ .hosts = "127.0.0.1" };
	ck_assert_ptr_null(reporter_open(&o));
	ck_assert_int_eq(errno, EINVAL);
	/* Those of a newer header: what has no value is no obstacle. */
	struct {
		struct reporter_options known;
		int newer;
	} more = { .known = { .size = sizeof(more) } };
	struct reporter *r = reporter_open(&more.known);
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(reporter_close(r, 0), 0);
	more.newer = 1;
	ck_assert_ptr_null(reporter_open(&more.known));
	ck_assert_int_eq(errno, EINVAL);
	/* The header's first version ends here, whatever is added. */
	o = (struct reporter_options){ .size = offsetof(struct reporter_options,
						   transport) +
					       sizeof(o.transport) };
	r = reporter_open(&o);
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(reporter_close(r, 0), 0);
}
END_TEST

static void
count_lines(void *arg, enum reporter_level level, const char *text)
{
	ck_assert_ptr_nonnull(strstr(text, "Connection refused; retrying in "));
	ck_assert_int_eq(level, REPORTER_WARN);
	atomic_fetch_add((_Atomic int *)arg, 1);
}

START_TEST(a_port_without_a_host_is_told)
{
	_Atomic int told = 0;

	host_start(&host, "127.0.0.1", "0", READS);
	host_stop(&host);
	struct reporter_options o = { .size = sizeof(o),
		.port = host.port,
		.log = count_lines,
		.log_arg = &told };
	struct reporter *r = reporter_open(&o);
	reporter_call(r, 1, 1, 1, 80, 1);
	for (int i = 0; i < 3000 && atomic_load(&told) == 0; i++)
		nap();
	ck_assert_int_gt(atomic_load(&told), 0);
	ck_assert_uint_gt(stats_of(r).failures, 0);
	ck_assert_int_eq(reporter_close(r, 10), -1);
	host_free(&host);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client");
	TCase *tcase = tcase_create("client");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, counts_arrive);
	tcase_add_test(tcase, nothing_is_lost_while_the_host_is_away);
	tcase_add_test(tcase, a_lost_report_is_sent_again);
	tcase_add_test(tcase, a_host_that_refuses_is_not_pressed);
	tcase_add_test(tcase, other_hosts_are_tried_at_once);
	tcase_add_test(tcase, all_addresses_of_a_name_are_tried);
	tcase_add_test(tcase, a_name_that_hangs_holds_nobody_up);
	tcase_add_test(tcase, bytes_that_come_back_are_ignored);
	tcase_add_test(tcase, time_does_not_go_back);
	tcase_add_test(tcase, idle_keys_make_room);
	tcase_add_test(tcase, a_deaf_host_stops_nobody);
	tcase_add_test(tcase, closing_is_bounded);
	tcase_add_test(tcase, an_overload_is_sent_at_once);
	tcase_add_test(tcase, an_overload_while_throttled_waits_for_nothing);
	tcase_add_test(tcase, a_host_that_floods_costs_little);
	tcase_add_test(tcase, a_thread_that_cannot_start_is_tried_each_second);
	tcase_add_test(tcase, a_host_that_does_not_answer_is_left);
	tcase_add_test(tcase, signals_are_the_programs);
	tcase_add_test(tcase, a_child_begins_anew);
	tcase_add_test(tcase, a_canceled_thread_leaves_no_lock);
	tcase_add_test(tcase, a_program_with_a_loop_of_its_own);
	tcase_add_test(tcase, a_quiet_client_sends_heartbeats);
	tcase_add_test(tcase, each_call_is_counted_once);
	tcase_add_test(tcase, invalid_options_are_refused);
	tcase_add_test(tcase, a_port_without_a_host_is_told);
	suite_add_tcase(suite, tcase);
	/* Not for valgrind nor TSan, which write zeros. */
	tcase = tcase_create("memory");
	if (!TSAN)
		tcase_add_test(tcase, keys_without_calls_take_no_memory);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
