/* SPDX-License-Identifier: MIT
 *
 * What a call costs that an agent counts by libreporter, from eight threads: on
 * one key, and on ten thousand; beside what else counts: a line of statsd over
 * UDP, which is what its clients in C send for each call, and the clients in C
 * that Debian has, collectd's and Riemann's, if they are installed (HACKING.md,
 * "Where the time goes").  Prints CPU nanoseconds a call, and fails if a call
 * of libreporter takes over 100.
 */
#include "config.h"

#include "client/reporter.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#if __has_include(<collectd/network.h>)
#include <collectd/network.h>
#define COLLECTD "libcollectdclient.so.1"
#endif
#if __has_include(<riemann/simple.h>)
#include <riemann/simple.h>
#define RIEMANN "libriemann-client.so.0"
#endif

enum {
	THREADS = 8,
	CALLS = 2000000,
	LINES = 100000
};

static struct reporter *reporter;
static uint32_t keys;
static int statsd;
static struct sockaddr_in sink = { .sin_family = AF_INET };
static void *library; /* that is measured */

static double
thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The nanoseconds of each of n calls since it began, for who joins the thread.
 */
static double *
each(double began, int n)
{
	double *ns = malloc(sizeof(*ns));

	*ns = (thread_ns() - began) / n;
	return ns;
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
	return each(began, CALLS);
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
	return each(began, LINES);
}

/* A function of that library. */
#define FROM_LIBRARY(function) \
	((__typeof__(function) *)dlsym(library, #function))

#ifdef COLLECTD
/* Its packets of UDP are full before they are sent. */
static void *
collectd(void *arg)
{
	__typeof__(lcc_network_values_send) *values_send =
	    FROM_LIBRARY(lcc_network_values_send);
	lcc_value_list_t list = LCC_VALUE_LIST_INIT;
	int type = LCC_TYPE_COUNTER;
	lcc_network_t *network = FROM_LIBRARY(lcc_network_create)();
	value_t value = { 0 };
	char port[8];

	snprintf(port, sizeof(port), "%d", ntohs(sink.sin_port));
	FROM_LIBRARY(lcc_server_create)(network, "127.0.0.1", port);
	list.values = &value;
	list.values_types = &type;
	list.values_len = 1;
	snprintf(list.identifier.plugin, sizeof(list.identifier.plugin),
	    "calls%d", (int)(uintptr_t)arg);
	strcpy(list.identifier.type, "counter");
	double began = thread_ns();
	for (int i = 0; i < LINES; i++) {
		value.counter++;
		snprintf(list.identifier.type_instance, 8, "%d", i % 100);
		if (values_send(network, &list) != 0)
			exit(2);
	}
	return each(began, LINES);
}
#endif

#ifdef RIEMANN
static void *
riemann(void *arg)
{
	__typeof__(riemann_send) *event_send = FROM_LIBRARY(riemann_send);
	riemann_client_t *client = FROM_LIBRARY(riemann_client_create)(
	    RIEMANN_CLIENT_UDP, "127.0.0.1", ntohs(sink.sin_port));
	char service[32];

	(void)arg;
	double began = thread_ns();
	for (int i = 0; i < LINES; i++) {
		snprintf(service, sizeof(service), "calls.%d", i % 100);
		event_send(client, RIEMANN_EVENT_FIELD_SERVICE, service,
		    RIEMANN_EVENT_FIELD_METRIC_S64, (int64_t)1,
		    RIEMANN_EVENT_FIELD_NONE);
	}
	return each(began, LINES);
}
#endif

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
	printf("%-34s %8.1f ns\n", what, sum / THREADS);
	return sum / THREADS;
}

int
main(void)
{
	socklen_t size = sizeof(sink);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	sink.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
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
#ifdef COLLECTD
	if ((library = dlopen(COLLECTD, RTLD_NOW)) != NULL)
		measure("collectd: lcc_network_values_send", collectd);
#endif
#ifdef RIEMANN
	if ((library = dlopen(RIEMANN, RTLD_NOW)) != NULL)
		measure("riemann: riemann_send over UDP", riemann);
#endif
	if (library == NULL)
		puts("collectd, riemann: not installed (Debian's "
		     "libcollectdclient-dev, libriemann-client-dev)");
	reporter_close(reporter, 0);
	return one > 100 || many > 100;
}
