/* SPDX-License-Identifier: MIT
 *
 * What a call costs that an agent counts by libreporter, from eight threads: on
 * one key, and on ten thousand; beside a line of statsd over UDP, which is what
 * its clients in C send for each call.  Prints CPU nanoseconds a call, and
 * fails if a call of libreporter takes over 100.
 */
#include "config.h"

#include "client/reporter.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	THREADS = 8,
	CALLS = 2000000,
	LINES = 100000
};

static struct reporter *reporter;
static uint32_t keys;
static int statsd;

static double
thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *
counts(void *arg)
{
	uint32_t key = (uint32_t)(uintptr_t)arg * 1237;
	double began = thread_ns();

	for (uint32_t i = 0; i < CALLS; i++) {
		key = (key + 7919) % keys;
		reporter_call(reporter, (int32_t)key / 10, 1, key, 80, 1);
	}
	double *ns = malloc(sizeof(*ns));
	*ns = (thread_ns() - began) / CALLS;
	return ns;
}

static void *
lines(void *arg)
{
	double began = thread_ns();
	char line[64];

	for (int i = 0; i < LINES; i++) {
		int n = snprintf(line, sizeof(line), "calls.%d.%d:1|c",
		    (int)(uintptr_t)arg, i % 100);
		if (send(statsd, line, (size_t)n, MSG_DONTWAIT) < 0)
			continue;
	}
	double *ns = malloc(sizeof(*ns));
	*ns = (thread_ns() - began) / LINES;
	return ns;
}

static double
measure(const char *what, void *(*work)(void *))
{
	pthread_t threads[THREADS];
	double sum = 0;
	void *ns;

	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
			exit(2);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &ns);
		sum += *(double *)ns;
		free(ns);
	}
	printf("%-32s %7.1f ns\n", what, sum / THREADS);
	return sum / THREADS;
}

int
main(void)
{
	struct sockaddr_in sink = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(sink);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	/* Nobody listens: counting must not depend on that. */
	reporter = reporter_open(&(const struct reporter_options){
	    .size = sizeof(struct reporter_options),
	    .hosts = "127.0.0.1:1",
	});
	statsd = socket(AF_INET, SOCK_DGRAM, 0);
	if (reporter == NULL || bind(fd, (struct sockaddr *)&sink, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sink, &size) < 0 ||
	    connect(statsd, (struct sockaddr *)&sink, size) < 0)
		return 2;
	keys = 1;
	double one = measure("reporter_call, one key", counts);
	keys = 10000;
	double many = measure("reporter_call, 10,000 keys", counts);
	measure("statsd: a line over UDP", lines);
	reporter_close(reporter, 0);
	return one > 100 || many > 100;
}
