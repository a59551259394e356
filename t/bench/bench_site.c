/* SPDX-License-Identifier: MIT
 *
 * site: plays the agents of a whole site, each host with a connection of its
 * own, and looks at the table as its readers do.
 *
 * Hosts are in groups, and those of a group call the same services.  All keys
 * are reported once in each pass, in an order that is shuffled, so the time at
 * which a row was reported follows from its count of calls, the pass.  At the
 * start all keys are new; when the table has them, one or more whole
 * flush_intervals are measured.  Meanwhile single reports are looked for, each
 * of a random service, so that all workers have their share: a change of
 * overload, and a key that is new.
 */
#include "config.h"

#include "t/bench/bench.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GROUPS 50
#define MODID 1
#define FUNCTIONS 10           /* functions (cmdid) of a service number */
#define SERVER_NET 0x0a000000u /* 10.0.0.0 */
#define CALLER_NET 0x0a800000u /* 10.128.0.0 */
#define SHUFFLE 2654435761u    /* a prime above the number of reports */
#define BURST_REPORTS 4096
#define PROBE_SUCC 1000000 /* of the first probe: above any pass */

/* The part of a flush_interval in which measuring begins: not during the flush
   of all keys, which begins with the interval. */
#define BEGIN_MIN 0.2
#define BEGIN_MAX 0.5

#define START_TIMEOUT 120 /* seconds without a new row */
#define START_PAUSE 0.5   /* seconds between two counts of rows */

static struct play {
	uint32_t hosts, services, servers; /* of a host; of a service */
	uint64_t flaps; /* passes until a key's overload changes; 0: never */
	enum encode_dialect dialect;
	int *sockets;
	size_t connections;
	struct pacer pacer;
	struct sender agent; /* of probes */
	uint64_t probes;
} play;

/* --------------------------------------------------------------- reports -- */

static uint64_t
reports_of_pass(void)
{
	return (uint64_t)play.hosts * play.services;
}

/* A key of host and service; host may be above those of the site. */
static struct record
key_make(uint32_t host, uint32_t service, uint32_t server)
{
	uint32_t n = host % GROUPS * play.services + service;
	uint32_t address = SERVER_NET + n * play.servers + server;
	bool elb = play.dialect == ENCODE_ELB;

	return (struct record){
		.modid = MODID + (int32_t)(n / FUNCTIONS),
		.cmdid = 1 + (int32_t)(n % FUNCTIONS),
		/* Agents of ELB send it reversed. */
		.ip = elb ? __builtin_bswap32(address) : address,
		.port = 8000,
		.caller = CALLER_NET + host,
		.elb = elb,
	};
}

/* Keys change their overload in different passes. */
static bool
flaps(uint64_t key, uint64_t pass)
{
	return play.flaps > 0 &&
	       (key * SHUFFLE % play.flaps + pass) / play.flaps % 2 == 1;
}

/* The records of this report of the pass, 0 to reports_of_pass() - 1. */
static void
report_make(uint64_t number, uint64_t pass, struct record *records)
{
	uint64_t report = number * SHUFFLE % reports_of_pass();
	uint32_t host = (uint32_t)(report % play.hosts);
	uint32_t service = (uint32_t)(report / play.hosts);

	for (uint32_t i = 0; i < play.servers; i++) {
		records[i] = key_make(host, service, i);
		records[i].succ = (uint32_t)pass + 1;
		records[i].overload = flaps(report * play.servers + i, pass);
	}
}

/* A host whose reporter does not read waits, and the others with it. */
static void
host_write(int fd, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		ssize_t written = send(fd, bytes, n, MSG_NOSIGNAL);
		struct pollfd wait = { .fd = fd, .events = POLLOUT };

		if (written >= 0) {
			bytes += written;
			n -= (size_t)written;
		} else if (errno == EAGAIN) {
			poll(&wait, 1, -1);
		} else if (errno != EINTR) {
			fail("connection to reporter lost: %m");
		}
	}
}

static void
report_send(uint64_t number, uint64_t ts)
{
	struct record records[ENCODE_RECORDS_MAX];
	uint8_t bytes[ENCODE_REPORT_MAX];

	report_make(
	    number % reports_of_pass(), number / reports_of_pass(), records);
	for (uint32_t i = 0; i < play.servers; i++)
		record_set_ts(&records[i], ts);
	size_t n = encode_report(play.dialect, records, play.servers, bytes);
	size_t host = records[0].caller - CALLER_NET;
	host_write(play.sockets[host % play.connections], bytes, n);
}

/* ------------------------------------------------------- what readers see --
 */

/* Look how old the row of a random key is: seconds since it was reported. */
static void
age_look(void)
{
	struct record records[ENCODE_RECORDS_MAX];
	uint64_t number = (uint64_t)random() % reports_of_pass();

	report_make(number, 0, records);
	int64_t succ =
	    base_value(&records[random() % play.servers], "succ_cnt", -1);
	if (succ < 1)
		fail("the row of a key is not in the table");
	number += (uint64_t)(succ - 1) * reports_of_pass();
	double sent = play.pacer.began + (double)number / play.pacer.rate;
	figure(0, "age", "s", clock_now() - sent);
}

/* Look for a change of overload, or for a new key.  Their hosts are above those
   of the site. */
static void
probe_look(const char *what, bool new_key)
{
	uint32_t n = (uint32_t)play.probes++;
	uint32_t host =
	    (play.hosts / GROUPS + 1 + (new_key ? n + 1 : 0)) * GROUPS +
	    (uint32_t)random() % GROUPS;
	struct record probe =
	    key_make(host, (uint32_t)random() % play.services, 0);

	clock_sleep((double)site.settings->urgent_interval / 1e3 *
		    (double)random() / RAND_MAX);
	if (!new_key)
		probe.overload = base_value(&probe, "overload", 0) == 0;
	probe.succ = PROBE_SUCC + n;
	record_set_ts(&probe, (uint64_t)time(NULL));
	figure(0, what, "ms", agent_probe(&play.agent, &probe));
}

/* ----------------------------------------------------------------- phases --
 */

/* Until the table has all keys, which all are new. */
static void
start_run(void)
{
	struct wait wait = { "all keys to be in the table", START_TIMEOUT, 0, 0,
		0 };
	uint64_t keys = reports_of_pass() * play.servers, rows = 0;
	double next = (double)reports_of_pass() / play.pacer.rate;

	pacer_start(&play.pacer);
	do {
		double past = clock_now() - play.pacer.began;

		progress("all keys are new, %.0f s", past);
		probe_look("overload, start", false);
		if (past < next)
			continue;
		next = past + START_PAUSE;
		rows = (uint64_t)base_number(0,
		    "SELECT COUNT(*) FROM %s WHERE caller < %" PRIu32,
		    base_table, CALLER_NET + play.hosts);
	} while (wait_more(&wait, keys - rows));
	figure(0, "all keys stored after", "s", clock_now() - play.pacer.began);
}

/* For so many seconds. */
static void
calm_run(double seconds, double interval)
{
	/* After the first flush of all keys: until then rows are younger. */
	double begin = interval * (1 + BEGIN_MIN);
	double past = clock_now() - play.pacer.began;

	if (past < begin)
		clock_sleep(begin - past);
	else if (fmod(past, interval) > interval * BEGIN_MAX)
		clock_sleep(begin - fmod(past, interval));
	struct counts before = watch_counts();
	uint64_t rows = watch_rows();
	struct cpu used = cpu_read();
	double own = process_cpu(getpid());
	double began = clock_now();
	while ((past = clock_now() - began) < seconds) {
		progress("%.0f of %.0f s", past, seconds);
		probe_look("overload", false);
		probe_look("new key", true);
		age_look();
	}
	struct cpu after = cpu_read();
	struct counts now = watch_counts();
	double records = (double)(now.drained - before.drained);
	rows = watch_rows() - rows;
	figure(0, "records", "records/s", records / past);
	figure(0, "rows", "rows/s", (double)rows / past);
	figure(0, "rows per record", "ratio", (double)rows / records);
	figure(0, "CPU of reporter", "CPUs",
	    (after.master - used.master + after.workers - used.workers) / past);
	figure(0, "CPU of the database", "CPUs",
	    (after.database - used.database) / past);
	figure(0, "CPU of the agents played", "CPUs",
	    (process_cpu(getpid()) - own) / past);
	figure(0, "throttled", "", (double)(now.throttles - before.throttles));
}

static void
hosts_open(void)
{
	play.sockets = grown(NULL, play.connections * sizeof(*play.sockets));
	for (size_t i = 0; i < play.connections; i++) {
		agent_open(&play.agent, &site.reporter);
		play.sockets[i] = sender_take(&play.agent);
	}
	agent_open(&play.agent, &site.reporter);
	play.agent.dialect = play.dialect;
}

void
play_run(void)
{
	double pass = (double)parameter("pass_us") / 1e6;
	double interval = (double)site.settings->flush_interval / 1e3;
	double seconds = (double)parameter("ms") / 1e3;
	struct counts before = watch_counts();

	play.hosts = (uint32_t)parameter("hosts");
	play.services = (uint32_t)parameter("services");
	play.servers = (uint32_t)parameter("servers");
	if (parameter("flaps") > 0)
		play.flaps =
		    (uint64_t)ceil(60e3 / (double)parameter("flaps") / pass);
	play.connections = (size_t)parameter("connections");
	encode_dialect(parameter_text("dialect"), &play.dialect);
	play.pacer.rate = (double)reports_of_pass() / pass;
	play.pacer.burst = BURST_REPORTS;
	play.pacer.report = report_send;
	fact("interval_ms",
	    json_integer((json_int_t)site.settings->flush_interval));
	hosts_open();
	start_run();
	calm_run(interval * fmax(1, ceil(seconds / interval)), interval);
	pacer_stop(&play.pacer);
	/* Fails if any record was rejected, or a worker died. */
	watch_wait(AWAIT_DRAINED, &before,
	    play.pacer.sent * play.servers + play.probes);
}

/* ------------------------------------------------------------ its own table */

/* In the database of an administrator: a new one like that of the
   configuration, which is only looked at.  It is never one that exists. */
void
table_make(void)
{
	if (!base_try(
		"CREATE TABLE %s LIKE %s", parameter_text("table"), base_table))
		fail("cannot create a table like %s: %s", base_table,
		    base_error());
}

void
table_drop(void)
{
	base_run("DROP TABLE IF EXISTS %s", parameter_text("table"));
}
