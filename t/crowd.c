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
 *     crowd ADDRESS PORT lars N MS K  N that behave like agents of Lars, or
 * ELB: crowd ADDRESS PORT elb N MS K   each sends a frame every MS
 * milliseconds, which arrives in two parts, of K keys in turn.  One that is
 * refused tries again never (Lars) or after 2 s (ELB), one that is disconnected
 * at once.  At SIGTERM they complete their frames and print "refused R lost L",
 * and for each agent its number and how many frames it has sent
 *
 * "N connected" is said when all are; errors end it with status 1.  Agents
 * connect from 127.0.1.1, 127.0.1.2, ..., a thousand from each.
 */
#include "config.h"

#include "lib/clock.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
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
	STAY,
	LARS,
	ELB
};

struct agent {
	int fd; /* -1: not connected now */
	bool connected;
	uint32_t number;
	uint64_t left;     /* bytes to send */
	uint64_t again_ms; /* when to connect again, or to send */
	uint64_t frames;   /* sent */
};

static struct sockaddr_in to;
static enum mode mode;
static struct agent *agents;
static uint32_t count, connected, gone;
static uint64_t reports, sent_to_end;
static int epoll;
static bool said;
static uint64_t period_ms, keys, refused, lost;
static volatile sig_atomic_t stopped;

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

/* ------------------------------------------------------ frames ------------ */

static uint8_t *
field(uint8_t *p, uint8_t number, uint64_t value)
{
	*p++ = (uint8_t)(number << 3);
	for (; value > 127; value >>= 7)
		*p++ = (uint8_t)(value | 128);
	*p++ = (uint8_t)value;
	return p;
}

/* A frame; frames of one key differ in succ.  Returns its end. */
static uint8_t *
frame_make(uint8_t *frame, const struct agent *agent)
{
	uint32_t head[2] = { htole32(mode == ELB ? 8 : 3), 0 };
	uint8_t *p = frame + sizeof(head), *result;

	p = field(p, 1, agent->number + 1);
	p = field(p, 2, agent->frames % keys);
	p = field(p, 3, agent->number + (mode == ELB ? 1000001 : 1));
	*p++ = 4 << 3 | 2;
	result = p++;
	p = field(p, 1, 1);
	p = field(p, 2, 1);
	p = field(p, 3, agent->frames + 1);
	p = field(p, 4, 0);
	p = field(p, 5, 0);
	*result = (uint8_t)(p - result - 1);
	p = field(p, 5, 1700000000);
	head[1] = htole32((uint32_t)(p - frame - (long)sizeof(head)));
	memcpy(frame, head, sizeof(head));
	return p;
}

/* Send up to `most` bytes of the current frame; left: bytes of it that were
   sent.  Returns false when the connection is gone. */
static bool
frame_send(struct agent *agent, size_t most)
{
	uint8_t frame[128];
	size_t length = (size_t)(frame_make(frame, agent) - frame), written;
	size_t n = length - agent->left < most ? length - agent->left : most;

	if (!agent_write(agent, frame + agent->left, n, &written))
		return false;
	agent->left += written;
	if (agent->left == length) {
		agent->left = 0;
		agent->frames++;
	}
	return true;
}

/* The rest of a frame, and the beginning of the next. */
static bool
agent_report(struct agent *agent, uint64_t now)
{
	if (now < agent->again_ms)
		return true;
	agent->again_ms += period_ms;
	return frame_send(agent, SIZE_MAX) &&
	       (agent->left > 0 || frame_send(agent, 5));
}

static void
stop(int number)
{
	stopped = number;
}

/* Complete all frames, and print what became of the agents. */
static void
frames_end(void)
{
	uint64_t end = monotonic_ms() + 20000;

	for (uint32_t i = 0; i < count; i++) {
		struct pollfd pollfd = { .fd = agents[i].fd,
			.events = POLLOUT };

		while (agents[i].connected && agents[i].left > 0 &&
		       monotonic_ms() < end && poll(&pollfd, 1, 1000) >= 0 &&
		       frame_send(&agents[i], SIZE_MAX))
			continue;
	}
	printf("refused %" PRIu64 " lost %" PRIu64 "\n", refused, lost);
	for (uint32_t i = 0; i < count; i++)
		printf("%u %" PRIu64 "\n", i, agents[i].frames);
}

/* ----------------------------------------------------------- connecting --- */

static void
agent_close(struct agent *agent)
{
	bool was_connected = agent->connected;

	if (was_connected)
		connected--;
	agent->connected = false;
	close(agent->fd);
	agent->fd = -1;
	gone++;
	agent->again_ms = monotonic_ms() + (uint64_t)(rand() % AGAIN_MS);
	if (mode < LARS)
		return;
	agent->left = 0;
	agent->again_ms = monotonic_ms();
	if (was_connected)
		lost++;
	else
		refused++;
	if (!was_connected)
		agent->again_ms =
		    mode == ELB ? monotonic_ms() + 2000 : UINT64_MAX;
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
	if (mode >= LARS)
		agent->again_ms = monotonic_ms() + (uint64_t)rand() % period_ms;
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
	if (open && agent->left > 0 && (mode == PUSH || mode == STAY))
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

		if (mode >= STAY && agent->fd < 0 && agent->again_ms <= now)
			agent_connect(agent);
		if (mode >= LARS && agent->connected &&
		    !agent_report(agent, now))
			agent_close(agent);
		if (mode == TRICKLE && second && agent->connected &&
		    !agent_trickle(agent))
			agent_close(agent);
	}
}

static bool
over(void)
{
	return stopped || (mode == TRICKLE && gone == count) ||
	       (mode == PUSH && sent_to_end == count);
}

static void
loop(void)
{
	struct epoll_event events[EVENTS];
	uint64_t next_second = monotonic_ms(), next_tick = 0;

	while (!over()) {
		int n = epoll_wait(epoll, events, EVENTS, 20);
		uint64_t now = monotonic_ms();

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
	static const char *const modes[] = { "trickle", "push", "stay", "lars",
		"elb" };
	struct rlimit limit;

	while (argc >= 5 && mode <= ELB && strcmp(argv[3], modes[mode]) != 0)
		mode++;
	if (argc < (mode >= LARS      ? 7
		       : mode == PUSH ? 6
				      : 5) ||
	    mode > ELB || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "see the head of t/crowd.c\n");
		return 2;
	}
	to.sin_family = AF_INET;
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	count = (uint32_t)atoi(argv[4]);
	reports = mode == PUSH ? strtoull(argv[5], NULL, 10) : 1;
	if (mode >= LARS) {
		period_ms = strtoull(argv[5], NULL, 10);
		keys = strtoull(argv[6], NULL, 10);
		signal(SIGTERM, stop);
	}
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
	if (mode >= LARS)
		frames_end();
	free(agents);
	return 0;
}
