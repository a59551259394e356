/* SPDX-License-Identifier: MIT
 *
 * A crowd of agents in one process, for scenarios that need more of them than
 * a script can play:
 *
 *     crowd ADDRESS PORT trickle N    N that begin a message and send a byte
 *                                     of it each second; ends when all of them
 *                                     have been disconnected
 *     crowd ADDRESS PORT push N M     N that send M reports each, as fast as
 *                                     they are taken; ends when all are sent
 *     crowd ADDRESS PORT stay N       N that send one report and stay; one that
 *                                     is disconnected connects again and sends
 *                                     another; ends when it is killed
 *
 * "N connected" is said when all are; errors end it with status 1.  Agents
 * connect from 127.0.1.1, 127.0.1.2, ..., a thousand from each.
 */
#include "config.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 512
#define FROM_ONE_ADDRESS 1000
#define AGAIN_MS 300 /* the longest pause before an agent connects again */
#define REPORT 31    /* bytes */
#define BLOCK 100    /* reports written in one go */

enum mode {
	TRICKLE,
	PUSH,
	STAY
};

struct agent {
	int fd; /* -1: not connected now */
	bool connected;
	uint32_t number;
	uint64_t left;     /* bytes to send */
	uint64_t again_ms; /* when to connect again */
};

static struct sockaddr_in to;
static enum mode mode;
static struct agent *agents;
static uint32_t count, connected, gone;
static uint64_t reports, sent_to_end;
static int epoll;
static bool said;

static void __attribute__((noreturn, format(printf, 1, 2)))
fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(errno));
	exit(1);
}

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A report of a service and a caller of the agent's own. */
static void
report_make(uint8_t *p, uint32_t number)
{
	static const uint8_t form[REPORT] = { 0x96, 1, 0xce, 0, 0, 0, 0, 1,
		0xce, 127, 0, 1, 0, 0, 0x91, 0x95, 0xce, 10, 0, 0, 1, 0xcd,
		0x1f, 0x90, 0xcd, 0, 100, 0xcd, 0, 3, 0xc2 };
	uint32_t modid = htobe32(number);

	memcpy(p, form, REPORT);
	memcpy(p + 3, &modid, sizeof(modid));
}

/* ------------------------------------------------------------ sending ----- */

/* Returns false when the connection is gone. */
static bool
agent_write(struct agent *agent, const void *bytes, size_t n, size_t *written)
{
	ssize_t done = send(agent->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);

	*written = done < 0 ? 0 : (size_t)done;
	return done >= 0 || errno == EAGAIN;
}

/* Send what can be sent now of a stream of reports. */
static bool
agent_push(struct agent *agent)
{
	static uint8_t block[BLOCK * REPORT];
	uint64_t total = agent->left, written = 1;

	for (int i = 0; i < BLOCK; i++)
		report_make(block + i * REPORT, agent->number);
	for (int i = 0; agent->left > 0 && written > 0 && i < 4; i++) {
		/* The stream has whole blocks behind what is left over. */
		size_t at = sizeof(block) - agent->left % sizeof(block);

		at %= sizeof(block);
		if (!agent_write(
			agent, block + at, sizeof(block) - at, &written))
			return false;
		agent->left -= written;
	}
	if (total > 0 && agent->left == 0)
		sent_to_end++;
	return true;
}

/* A list of 16384 elements, one byte each: hours of trickling. */
static bool
agent_trickle(struct agent *agent)
{
	static const uint8_t head[] = { 0xdc, 0x40, 0, 1 };
	size_t written;
	bool open;

	open = agent_write(
	    agent, head + (agent->left < 3 ? agent->left : 3), 1, &written);
	agent->left += written;
	return open;
}

/* ----------------------------------------------------------- connecting --- */

static void
agent_close(struct agent *agent)
{
	if (agent->connected)
		connected--;
	agent->connected = false;
	close(agent->fd);
	agent->fd = -1;
	gone++;
	agent->again_ms = now_ms() + (uint64_t)(rand() % AGAIN_MS);
}

static void
agent_connect(struct agent *agent)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP,
		.data.ptr = agent };
	int on = 1;

	from.sin_addr.s_addr =
	    htonl(0x7f000101 + agent->number / FROM_ONE_ADDRESS);
	agent->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (agent->fd < 0)
		fail("socket");
	/* A port is chosen when it connects: each address has all of them. */
	setsockopt(
	    agent->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(agent->fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		fail("bind");
	if (connect(agent->fd, (struct sockaddr *)&to, sizeof(to)) < 0 &&
	    errno != EINPROGRESS)
		fail("connect");
	agent->left = mode == PUSH   ? reports * REPORT
		      : mode == STAY ? REPORT
				     : 0;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, agent->fd, &event) < 0)
		fail("epoll_ctl");
}

/* It is connected: from now on writing is of interest to those alone that have
   something to push. */
static void
agent_begin(struct agent *agent)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP,
		.data.ptr = agent };

	agent->connected = true;
	connected++;
	if (mode != PUSH)
		epoll_ctl(epoll, EPOLL_CTL_MOD, agent->fd, &event);
	if (connected == count && !said) {
		said = true;
		printf("%u connected\n", count);
		fflush(stdout);
	}
}

static void
agent_event(struct agent *agent, uint32_t events)
{
	bool open = !(events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP));

	if (open && !agent->connected)
		agent_begin(agent);
	if (open && agent->left > 0 && mode != TRICKLE)
		open = agent_push(agent);
	if (!open && mode == PUSH)
		fail("agent %u was disconnected", agent->number);
	if (!open)
		agent_close(agent);
}

/* ---------------------------------------------------------------- loop ---- */

static void
tick(uint64_t now, bool second)
{
	for (uint32_t i = 0; i < count; i++) {
		struct agent *agent = &agents[i];

		if (mode == STAY && agent->fd < 0 && agent->again_ms <= now)
			agent_connect(agent);
		if (mode == TRICKLE && second && agent->connected &&
		    !agent_trickle(agent))
			agent_close(agent);
	}
}

static bool
over(void)
{
	return (mode == TRICKLE && gone == count) ||
	       (mode == PUSH && sent_to_end == count);
}

static void
loop(void)
{
	struct epoll_event events[EVENTS];
	uint64_t next_second = now_ms(), next_tick = 0;

	while (!over()) {
		int n = epoll_wait(epoll, events, EVENTS, 20);
		uint64_t now = now_ms();

		for (int i = 0; i < n; i++)
			agent_event(events[i].data.ptr, events[i].events);
		if (now < next_tick)
			continue;
		next_tick = now + 20;
		tick(now, now >= next_second);
		if (now >= next_second)
			next_second += 1000;
	}
}

int
main(int argc, char **argv)
{
	static const char *const modes[] = { "trickle", "push", "stay" };
	struct rlimit limit;

	while (argc >= 5 && mode <= STAY && strcmp(argv[3], modes[mode]) != 0)
		mode++;
	if (argc < (mode == PUSH ? 6 : 5) || mode > STAY ||
	    inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "see the head of t/crowd.c\n");
		return 2;
	}
	to.sin_family = AF_INET;
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	count = (uint32_t)atoi(argv[4]);
	reports = mode == PUSH ? strtoull(argv[5], NULL, 10) : 1;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	epoll = epoll_create1(0);
	agents = calloc(count, sizeof(*agents));
	if (epoll < 0 || agents == NULL)
		fail("crowd");
	for (uint32_t i = 0; i < count; i++) {
		agents[i].number = i;
		agent_connect(&agents[i]);
	}
	loop();
	free(agents);
	return 0;
}
