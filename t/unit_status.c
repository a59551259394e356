/* SPDX-License-Identifier: MIT
 *
 * The status of an instance whose segments the test makes itself, with the
 * functions that master and worker use.
 */
#include "config.h"

#include "collect.h"
#include "master/retire.h"
#include "status/metric.h"
#include "status/status.h"
#include "lib/clock.h"
#include "instance_fixture.h"
#include "suite.h"

#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HORIZON UINT64_C(2000000000)

static char instance[INSTANCE_MAX];
static struct segment master_map;
static struct master_shared *master;
static struct worker_segment workers[2];
static struct status status;
static pid_t holders[3]; /* of the workers' segments, and the master's */
static char *written;    /* what was shown */
static size_t written_length;

/* ----------------------------------------------------- an instance's life --
 */

/* As a worker that was forked by another process than this one. */
static void
hold_worker(const char *name)
{
	struct worker_segment segment;

	if (segment_open_worker(
		&segment, name, SEGMENT_WRITE, SEGMENT_ANYBODY) != SHM_OK)
		_exit(1);
	segment_show_holder(&segment.map);
	close(segment.map.fd);
}

/* Have another process hold a segment, as its master or worker does: none sees
   a lock of its own.  It ends with this one. */
static void
hold(const struct segment *segment, pid_t *holder)
{
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	*holder = fork();
	if (*holder == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (segment == &master_map)
			segment_show_holder(segment);
		else
			hold_worker(segment->name);
		if (write(ends[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	ck_assert_int_gt(*holder, 0);
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
}

static void
die(pid_t *holder)
{
	kill(*holder, SIGKILL);
	ck_assert_int_eq(waitpid(*holder, NULL, 0), *holder);
}

/* The point of time as it is in shared memory, within its second. */
static uint64_t
monotonic_of(uint64_t seconds)
{
	return seconds * 1000 + 500 - (realtime_ms() - monotonic_ms());
}

static void
make_master(void)
{
	instance_remove(instance);
	ck_assert_int_eq(segment_create_master(&master_map, instance), SHM_OK);
	master = segment_master(&master_map);
	hold(&master_map, &holders[2]);
	master->pid = getpid();
	snprintf(master->software, sizeof(master->software), "1.2.3");
	counter_set(&master->started, monotonic_ms() - 100000 * 1000);
	counter_set(&master->generation, 7);
}

static void
make_worker(uint32_t slot, enum child_state state)
{
	struct segment_spec spec = {
		.instance = instance,
		.generation = 7,
		.slot = slot,
		.workers = 2,
		.ring_records = RING_RECORDS_MIN,
		.table_keys = TABLE_KEYS_MIN,
	};
	struct child_entry *entry = &master->children[slot];

	ck_assert_int_eq(segment_create_worker(&workers[slot], &spec), SHM_OK);
	counter_set(&entry->generation, 7);
	entry->slot = slot;
	entry->pid = getpid();
	entry->restarts = slot;
	entry->state = state;
	workers[slot].shared->info.pid = getpid();
	hold(&workers[slot].map, &holders[slot]);
}

static void
collect(void)
{
	ck_assert_int_eq(status_collect(&status, instance), SHM_OK);
}

/* ------------------------------------------------- what an instance does ---
 */

static struct record
record_of(uint32_t i)
{
	struct record r = { .modid = 1, .cmdid = 1, .ip = i, .succ = 1 };

	record_set_ts(&r, 1700000000);
	return r;
}

static void
receive(uint32_t slot, uint32_t first, uint32_t n)
{
	counter_add(&master->input.received, n);
	for (uint32_t i = 0; i < n; i++) {
		struct record r = record_of(first + i);
		ring_put(&workers[slot].ring, &r, 1);
	}
	ring_publish(&workers[slot].ring);
}

static void
reject(enum reject reason, uint64_t n)
{
	counter_add(&master->input.received, n);
	counter_add(&master->input.rejected[reason], n);
}

static void
drain(uint32_t slot, uint64_t n)
{
	struct worker_segment *w = &workers[slot];

	while (n > 0) {
		uint64_t some = n;
		const struct record *r = ring_peek(&w->ring, &some);
		if (some == 0)
			return;
		some = table_put(&w->table, r, some, HORIZON);
		ring_advance(&w->ring, some);
		n -= some;
	}
}

static size_t
flush(uint32_t slot, size_t n)
{
	static struct table_row rows[TABLE_KEYS_MIN];
	static uint32_t position;
	struct table *table = &workers[slot].table;

	n = table_collect(table, DIRTY_ANY, &position, rows, n);
	for (size_t i = 0; i < n; i++)
		table_stored(table, &rows[i]);
	return n;
}

static void
refuse_one(uint32_t slot)
{
	struct table_row row;
	uint32_t position = 0;

	ck_assert_uint_eq(
	    table_collect(&workers[slot].table, DIRTY_ANY, &position, &row, 1),
	    1);
	ck_assert(table_refused(&workers[slot].table, &row));
}

static void
retire(uint32_t slot)
{
	ck_assert_int_eq(
	    retire_segment(master, &workers[slot], &master->children[slot]), 0);
}

/* A bit of everything: the sums are in the checks. */
static void
make_history(void)
{
	make_master();
	make_worker(0, CHILD_RUNNING);
	make_worker(1, CHILD_WAITING);
	receive(0, 1, 100);
	drain(0, 90);
	ck_assert_uint_eq(flush(0, 50), 50);
	receive(0, 1, 20); /* behind the ten that wait: keys seen before */
	drain(0, 25);
	refuse_one(0);
	receive(1, 1, 7);
	reject(REJECT_WRONG_SHAPE, 3);
	reject(REJECT_OUT_OF_RANGE, 2);
	counter_add(&master->input.received, 4);
	counter_add(&master->input.dropped, 4);
	counter_set(&master->input.connections, 12);
	counter_set(&master->input.refused[REFUSAL_DENIED], 4);
	counter_set(&master->input.refused[REFUSAL_NO_MEMORY], 5);
	counter_set(&master->input.closed[CLOSING_IDLE], 6);
	counter_set(&master->input.closed[CLOSING_STOP], 8);
	counter_set(
	    &workers[0].shared->flush.last_flush_ts, monotonic_ms() - 5000);
	counter_set(&workers[0].shared->flush.last_flush_us, 12500);
	counter_set(&workers[0].shared->flush.connected, 1);
	memcpy(workers[0].shared->flush.host, "db\n1:3306", 10);
	memcpy(workers[1].shared->flush.host, "db2:3306", 9);
	counter_set(&workers[1].shared->flush.errors[DB_HOLD], 9);
	counter_set(&workers[1].shared->flush.last_error_number, 1146);
	counter_set(
	    &workers[1].shared->flush.last_error_ts, monotonic_of(1700000000));
	strcpy(workers[1].shared->flush.last_error,
	    "Table 'x.ServerCallStatus'\n\033[31m is gone");
}

static void
check_identity(const struct status_records *r)
{
	ck_assert_int_eq(r->received + r->replayed,
	    r->rejected + r->dropped + r->queued + r->pending + r->superseded +
		r->stored + r->dead_letter);
}

/* --------------------------------------------------------------- collect -- */

START_TEST(the_terms_are_what_happened)
{
	make_history();
	collect();
	const struct status_records *r = &status.records;

	ck_assert_int_eq(r->received, 136);
	ck_assert_int_eq(r->rejected, 5);
	ck_assert_int_eq(r->dropped, 4);
	ck_assert_int_eq(r->queued, 5 + 7);
	ck_assert_int_eq(r->stored, 50);
	ck_assert_int_eq(r->dead_letter, 1);
	ck_assert_int_eq(r->replayed, 0);
	ck_assert_int_eq(r->pending + r->superseded, 136 - 5 - 4 - 12 - 51);
	ck_assert_int_eq(r->pending, (int64_t)table_pending(&workers[0].table));
	ck_assert_int_eq(status.input.rejected[REJECT_WRONG_SHAPE], 3);
	check_identity(r);

	ck_assert_uint_eq(status.count, 2);
	ck_assert_uint_eq(status.workers[0].queued, 5);
	ck_assert_uint_eq(status.workers[1].queued, 7);
	ck_assert_str_eq(status.workers[0].state, "running");
	ck_assert_str_eq(status.workers[1].state, "waiting");
	ck_assert_uint_eq(status.workers[1].restarts, 1);
	ck_assert(status.workers[0].connected);
	ck_assert(!status.workers[1].connected);
	ck_assert_str_eq(status.workers[0].host, "db\\n1:3306");
	ck_assert_str_eq(status.workers[1].host, "");
	ck_assert_str_eq(status.workers[1].flush.last_error,
	    "Table 'x.ServerCallStatus'\\n\\x1b[31m is gone");
}
END_TEST

START_TEST(a_retired_segment_keeps_counting)
{
	make_history();
	while (counter_get(&workers[0].shared->producer.head) !=
	       counter_get(&workers[0].shared->consumer.tail))
		drain(0, 100);
	while (flush(0, 100) > 0)
		continue;
	counter_add(&workers[0].shared->drain.replayed, 2);
	counter_add(&workers[0].shared->drain.superseded, 2);
	collect();
	struct status_records before = status.records;
	ck_assert_int_eq(before.replayed, 2);
	retire(0);
	collect();
	ck_assert_uint_eq(status.count, 1);
	ck_assert_int_eq(status.records.queued, 7);
	ck_assert_mem_eq(&status.records, &before, sizeof(before));
	check_identity(&status.records);
}
END_TEST

static _Atomic bool moving;

/* Keep records travelling until told to end. */
static void *
move(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; moving; i++) {
		receive(i % 2, i * 37 % 900, 30);
		drain(i % 2, 30);
		if (i % 8 < 2)
			flush(i % 2, TABLE_KEYS_MIN);
	}
	return NULL;
}

START_TEST(the_sum_adds_up_while_records_travel)
{
	pthread_t thread;
	bool good = true;
	int64_t last = 0;

	make_history();
	moving = true;
	ck_assert_int_eq(pthread_create(&thread, NULL, move, NULL), 0);
	for (int i = 0; i < 2000; i++) {
		if (status_collect(&status, instance) != SHM_OK)
			break;
		const struct status_records *r = &status.records;
		good &=
		    r->queued >= 0 && r->pending >= 0 && r->received >= last;
		last = r->received;
	}
	moving = false;
	pthread_join(thread, NULL);
	ck_assert_msg(good, "queued %lld, pending %lld",
	    (long long)status.records.queued,
	    (long long)status.records.pending);
	ck_assert_int_gt(last, 136);
	collect();
	check_identity(&status.records);
	ck_assert_int_eq(
	    status.records.queued, (int64_t)(ring_queued(&workers[0].ring) +
					     ring_queued(&workers[1].ring)));
}
END_TEST

START_TEST(a_sum_that_does_not_add_up_is_shown_as_it_is)
{
	make_history();
	counter_add(&workers[0].shared->drain.added, 1000);
	collect();
	ck_assert_int_eq(status.records.queued, 12 - 1000);
	check_identity(&status.records);
}
END_TEST

START_TEST(rates_are_over_the_time_that_has_passed)
{
	struct history_sample sample = { .at_ms = monotonic_ms() - 10000 };

	make_history();
	sample.counts[HISTORY_RECEIVED] = 36;
	sample.counts[HISTORY_STORED] = 50;
	history_put(&master->history, &sample);
	collect();
	ck_assert_double_eq_tol(status.rates[1].seconds, 10, 1);
	ck_assert_double_eq_tol(
	    status.rates[1].per_second[HISTORY_RECEIVED], 10, 1);
	ck_assert_double_eq(status.rates[1].per_second[HISTORY_STORED], 0);
	/* No other sample: the others are over as long. */
	ck_assert_double_eq(status.rates[0].seconds, status.rates[2].seconds);

	master->pid = 0;
	collect();
	ck_assert_double_eq(status.rates[1].seconds, 0);
	ck_assert_double_eq(status.rates[1].per_second[HISTORY_RECEIVED], 0);
}
END_TEST

START_TEST(lag_is_the_time_without_a_commit)
{
	make_history();
	counter_set(&workers[0].shared->flush.waiting_since,
	    monotonic_ms() - 40 * 1000);
	counter_set(&workers[1].shared->flush.waiting_since,
	    monotonic_ms() - 40 * 1000);
	collect();
	ck_assert_int_gt(status.workers[0].pending, 0);
	ck_assert_uint_ge(status.workers[0].lag, 40);
	/* Nothing is pending there: it is a word of before. */
	ck_assert_int_eq(status.workers[1].pending, 0);
	ck_assert_uint_eq(status.workers[1].lag, 0);
}
END_TEST

/* ---------------------------------------------------------- who is alive -- */

START_TEST(running_is_a_process_that_holds_the_segment)
{
	make_history();
	collect();
	ck_assert(status.running);
	ck_assert_int_eq(status.pid, getpid());
	ck_assert_int_eq(segment_holder(master_map.name), holders[2]);

	master->pid = 0; /* it ends */
	collect();
	ck_assert(!status.running);

	/* That of another process, after it was killed. */
	master->pid = getpid();
	die(&holders[2]);
	collect();
	ck_assert(!status.running);
	ck_assert_int_eq(segment_holder(master_map.name), 0);
}
END_TEST

/* Members of reporter.group can open a segment, for reading. */
START_TEST(a_lock_of_a_reader_is_not_seen)
{
	struct flock lock = { .l_type = F_RDLCK };

	make_history();
	die(&holders[2]);
	pid_t reader = fork();
	if (reader == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int fd = shm_open(master_map.name, O_RDONLY, 0);
		fcntl(fd, F_SETLK, &lock);
		raise(SIGSTOP);
	}
	ck_assert_int_eq(waitpid(reader, NULL, WUNTRACED), reader);
	lock.l_type = F_WRLCK;
	ck_assert_int_eq(fcntl(master_map.fd, F_SETLK, &lock), -1);
	collect();
	ck_assert(!status.running);
	/* It is not in the way of the next master. */
	ck_assert_int_eq(segment_lock(&master_map, 0), SHM_OK);
	ck_assert_int_eq(segment_renew_master(&master_map), SHM_OK);
	ck_assert_int_eq(fcntl(master_map.fd, F_SETLK, &lock), 0);
	die(&reader);
}
END_TEST

START_TEST(what_a_killed_master_left_is_listed)
{
	make_history();
	die(&holders[2]);
	master->children[1].state = CHILD_NONE; /* a segment without entry */
	die(&holders[1]);                       /* its number is in use again */
	collect();
	ck_assert_uint_eq(status.count, 2);
	/* The first one's process lives on: it brings what it has to MySQL. */
	ck_assert_str_eq(status.workers[0].state, "finishing");
	ck_assert_str_eq(status.workers[1].state, "left");
	ck_assert_uint_eq(status.workers[1].slot, 1);
	ck_assert_uint_eq(status.workers[1].generation, 7);
	ck_assert_uint_eq(status.workers[1].queued, 7);
	ck_assert_int_eq(status.workers[1].pid, 0);
	ck_assert_int_eq(status.records.queued, 12);
	check_identity(&status.records);
}
END_TEST

START_TEST(a_damaged_segment_is_named)
{
	make_history();
	workers[1].shared->header.table_keys++;
	die(&holders[2]);
	master->children[1].state = CHILD_NONE;
	collect();
	ck_assert_uint_eq(status.count, 2);
	ck_assert_ptr_nonnull(status.workers[1].trouble);
	ck_assert_uint_eq(status.workers[1].slot, 1);
	ck_assert_uint_eq(status.workers[1].generation, 7);
}
END_TEST

START_TEST(no_segment_and_a_strange_one_are_told)
{
	instance_remove(instance);
	ck_assert_int_eq(status_collect(&status, instance), SHM_MISSING);
	make_master();
	master->header.version++;
	ck_assert_int_eq(status_collect(&status, instance), SHM_VERSION);
}
END_TEST

/* ---------------------------------------------------------------- output -- */

static void
write_with(void (*writer)(FILE *))
{
	free(written);
	FILE *out = open_memstream(&written, &written_length);
	ck_assert_ptr_nonnull(out);
	writer(out);
	fclose(out);
}

static void
write_text(FILE *out)
{
	status_text(&status, out);
}

static void
write_json(FILE *out)
{
	ck_assert(status_json(&status, out));
}

static size_t
widest(const char *text)
{
	size_t max = 0;

	while (*text != '\0') {
		size_t n = strcspn(text, "\n");
		if (n > max)
			max = n;
		text += n + (text[n] == '\n');
	}
	return max;
}

START_TEST(text_shows_the_sum_and_the_workers)
{
	make_history();
	collect();
	write_with(write_text);
	ck_assert_uint_le(widest(written), 80);
	ck_assert_ptr_nonnull(strstr(written, "reporter 1.2.3, instance "));
	ck_assert_ptr_nonnull(strstr(written, "up 1 d 03:46:4"));
	ck_assert_ptr_nonnull(strstr(written, "= rejected"));
	ck_assert_ptr_nonnull(strstr(written, "wrong_shape"));
	ck_assert_ptr_null(strstr(written, "not_msgpack"));
	ck_assert_ptr_nonnull(strstr(written, "refused: denied"));
	ck_assert_ptr_nonnull(strstr(written, "idle 6"));
	ck_assert_ptr_null(strstr(written, "not_allowed"));
	ck_assert_ptr_nonnull(strstr(written, "worker 1: not "
					      "connected to the database"));
	ck_assert_ptr_nonnull(strstr(written, "1146 Table"));
	ck_assert_ptr_null(strchr(written, '\033'));
}
END_TEST

START_TEST(text_shows_that_an_error_is_over)
{
	make_history();
	counter_set(&workers[1].shared->flush.recovered_ts,
	    monotonic_of(1700000000) - 1000);
	collect();
	write_with(write_text);
	ck_assert_ptr_null(strstr(written, "recovered"));
	counter_set(
	    &workers[1].shared->flush.recovered_ts, monotonic_ms() - 5400500);
	collect();
	write_with(write_text);
	ck_assert_ptr_nonnull(strstr(written, "recovered"));
	ck_assert_ptr_nonnull(strstr(written, "90m ago"));
	ck_assert_ptr_nonnull(strstr(written, "(2023-11-14T22:13:20Z): 1146"));
}
END_TEST

START_TEST(text_shows_what_is_left)
{
	char left[96];

	make_history();
	collect();
	snprintf(left, sizeof(left),
	    "records left in shared memory: %d; start reporter ",
	    (int)(status.records.queued + status.records.pending));
	write_with(write_text);
	ck_assert_ptr_null(strstr(written, "left in shared memory"));
	status.running = false;
	write_with(write_text);
	ck_assert_msg(strstr(written, left) != NULL, "%s", written);
	ck_assert_uint_le(widest(written), 80);
}
END_TEST

static size_t
lines_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

START_TEST(text_of_four_workers_fits_one_screen)
{
	make_history();
	collect();
	status.count = 4;
	for (int i = 0; i < 4; i++) {
		status.workers[i] = status.workers[1];
		status.workers[i].slot = (uint32_t)i;
	}
	write_with(write_text);
	ck_assert_uint_le(widest(written), 80);
	ck_assert_msg(lines_of(written) <= 24, "%s", written);
	/* The trouble that all are in is told once. */
	const char *told = strstr(written, "worker 0, 1, 2, 3: "
					   "not connected to the database; "
					   "last");
	ck_assert_ptr_nonnull(told);
	ck_assert_ptr_null(strstr(told + 1, "worker"));
}
END_TEST

START_TEST(text_of_many_workers_shows_those_that_are_not_well)
{
	make_history();
	collect();
	struct status_worker bad = status.workers[1], good = status.workers[1];
	unsigned well = _i == 0 ? WORKERS_MAX - 2 : 22;

	bad.connected = false;
	bad.pid = 77;
	snprintf(bad.flush.last_error, sizeof(bad.flush.last_error), "%.127s",
	    "Lost connection to server at 'handshake: reading initial "
	    "communication packet', system error: 111");
	good.state = child_state_name(CHILD_RUNNING);
	good.running = true;
	good.pid = 99;
	good.connected = true;
	good.flush.last_error_ts = 0;
	good.trouble = NULL;
	status.count = WORKERS_MAX;
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		status.workers[i] = i < well ? good : bad;
		status.workers[i].slot = i;
	}
	write_with(write_text);
	ck_assert_uint_le(widest(written), 80);
	ck_assert_uint_le(lines_of(written), 24);
	ck_assert_ptr_nonnull(strstr(written, "not connected to the"));
	if (_i == 0) {
		ck_assert_ptr_nonnull(strstr(written, "\n  62 "));
		ck_assert_ptr_nonnull(strstr(written, "worker 62, 63: not "));
		ck_assert_ptr_nonnull(strstr(written, " of them not running"));
	} else {
		ck_assert_ptr_nonnull(strstr(written, "\n  22 "));
		ck_assert_ptr_null(strstr(written, "\n   0 "));
		ck_assert_ptr_null(strstr(written, " more, 0 of them not"));
	}
}
END_TEST

static void
write_prometheus(FILE *out)
{
	status_prometheus(&status, out);
}

static void
write_absent(FILE *out)
{
	status_prometheus(NULL, out);
}

START_TEST(prometheus_shows_the_same_figures)
{
	static const char *const samples[] = { "reporter_up 1\n",
		"reporter_build_info{version=\"1.2.3\"} 1\n",
		"reporter_records_received_total 136\n",
		"reporter_records_rejected_total{reason=\"wrong_shape\"} 3\n",
		"reporter_records_rejected_total{reason=\"not_msgpack\"} 0\n",
		"reporter_records_stored_total 50\n",
		"reporter_records_queued 12\n",
		"reporter_worker_queued_records{generation=\"7\",slot=\"1\"} "
		"7\n",
		"reporter_worker_running{generation=\"7\",slot=\"0\"} 1\n",
		"reporter_worker_database_info{generation=\"7\",slot=\"0\","
		"host=\"db\\\\n1:3306\"} 1\n",
		"reporter_worker_running{generation=\"7\",slot=\"1\"} 0\n",
		"reporter_worker_restarts_total{generation=\"7\",slot=\"1\"} "
		"1\n",
		"reporter_database_errors_total{generation=\"7\",slot=\"1\","
		"class=\"hold\"} 9\n",
		"reporter_flush_duration_seconds_bucket{generation=\"7\","
		"slot=\"0\",le=\"0.002\"} 3\n",
		"reporter_flush_duration_seconds_bucket{generation=\"7\","
		"slot=\"0\",le=\"0.004\"} 3\n",
		"reporter_flush_duration_seconds_bucket{generation=\"7\","
		"slot=\"0\",le=\"+Inf\"} 7\n",
		"reporter_flush_duration_seconds_sum{generation=\"7\","
		"slot=\"0\"} 1.500000\n",
		"reporter_flush_duration_seconds_count{generation=\"7\","
		"slot=\"0\"} 7\n",
		"reporter_record_age_seconds_bucket{generation=\"7\","
		"slot=\"0\",le=\"1\"} 2\n",
		"reporter_record_age_seconds_bucket{generation=\"7\","
		"slot=\"0\",le=\"16\"} 5\n",
		"reporter_record_age_seconds_sum{generation=\"7\","
		"slot=\"0\"} 30.000000\n",
		"reporter_connections_max 5000\n",
		"reporter_last_reload_timestamp_seconds 1700000001\n",
		"reporter_certificate_expiry_timestamp_seconds 1900000000\n",
		"reporter_master_age_seconds 0.000\n",
		"reporter_process_cpu_seconds_total{role=\"master\"} "
		"1.250000\n",
		"reporter_process_open_fds{role=\"master\"} 99\n",
		"reporter_process_resident_memory_bytes{role=\"worker\","
		"generation=\"7\",slot=\"1\"} 123456789012\n",
		"reporter_process_max_fds{role=\"web\"} 1024\n" };
	static struct process_counters web = { .files_max = 1024 };

	make_history();
	counter_set(&workers[0].shared->flush.buckets[0], 1);
	counter_set(&workers[0].shared->flush.buckets[1], 2);
	counter_set(
	    &workers[0].shared->flush.buckets[HISTOGRAM_BUCKETS - 1], 4);
	counter_set(&workers[0].shared->flush.flush_us, 1500000);
	counter_set(&workers[0].shared->flush.ages[0], 2);
	counter_set(&workers[0].shared->flush.ages[4], 3);
	counter_set(&workers[0].shared->flush.age_seconds, 30);
	counter_set(&master->input.connections_max, 5000);
	counter_set(&master->input.configured_ts, monotonic_of(1700000001));
	counter_set(&master->input.certificate_expires, 1900000000);
	counter_set(&master->input.process.cpu_us, 1250000);
	counter_set(&master->input.process.files, 99);
	counter_set(&workers[1].shared->info.process.memory, 123456789012);
	counter_set(&workers[1].shared->info.process.files_max, 20);
	counter_set(&master->input.process.files_max, 20);
	collect();
	status.web = &web;
	write_with(write_prometheus);
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++)
		ck_assert_msg(strstr(written, samples[i]) != NULL,
		    "no %s in %s", samples[i], written);
	/* It has not noted its figures yet. */
	ck_assert_ptr_null(strstr(
	    written, "fds{role=\"worker\",generation=\"7\",slot=\"0\"}"));
	write_with(write_absent);
	ck_assert_ptr_nonnull(strstr(written, "\nreporter_up 0\n"));
}
END_TEST

START_TEST(prometheus_leaves_out_what_cannot_be_read)
{
	make_history();
	workers[1].shared->header.table_keys++;
	collect();
	write_with(write_prometheus);
	ck_assert_ptr_nonnull(strstr(written,
	    "reporter_worker_queued_records{generation=\"7\",slot=\"0\"}"));
	ck_assert_ptr_null(strstr(written,
	    "reporter_worker_queued_records{generation=\"7\",slot=\"1\"}"));
	ck_assert_ptr_nonnull(strstr(
	    written, "reporter_worker_running{generation=\"7\",slot=\"1\"}"));
}
END_TEST

START_TEST(text_never_passes_80_columns)
{
	make_history();
	collect();
	memset(status.instance, 'i', sizeof(status.instance) - 1);
	memset(status.version, 'v', sizeof(status.version) - 1);
	status.pid = INT32_MAX;
	status.uptime = status.now = UINT32_MAX;
	status.generation = UINT64_MAX;
	status.records.received = INT64_MIN;
	status.records.stored = INT64_MAX;
	memset(&status.input, 0xff, sizeof(status.input));
	for (int i = 0; i < RATES_SPANS; i++) {
		status.rates[i].seconds = 1;
		for (int j = 0; j < HISTORY_COUNTS; j++)
			status.rates[i].per_second[j] =
			    i == 0 ? 9999999.9 : (double)UINT64_MAX;
	}
	for (int i = 0; i < 2; i++) {
		struct status_worker *w = &status.workers[i];

		w->slot = WORKERS_MAX - 1;
		w->generation = w->queued = UINT64_MAX;
		memset(&w->drain, 0xff, sizeof(w->drain));
		memset(&w->flush, 0xff, sizeof(w->flush));
		w->restarts = UINT32_MAX;
		w->pending = i == 0 ? INT64_MAX : INT64_MIN;
		w->pid = 4194304;
		w->state = "finishing";
		w->flush.last_flush_ts = 1;
		w->flush.last_error_ts = 1700000000;
		w->flush.last_error_number = UINT32_MAX;
		memset(w->flush.last_error, 'e', sizeof(w->flush.last_error));
		w->flush.last_error[sizeof(w->flush.last_error) - 1] = '\0';
		w->flush.last_error[50] = ' ';
	}
	for (int running = 0; running < 2; running++) {
		status.running = running;
		status.reload_failed = running;
		write_with(write_text);
		ck_assert_uint_le(widest(written), 80);
	}
}
END_TEST

static json_t *
json_written(void)
{
	json_error_t error;
	json_t *object;

	write_with(write_json);
	object = json_loads(written, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(object != NULL, "%s: %s", error.text, written);
	return object;
}

static void
check_numbers(const json_t *object, const char *const *names)
{
	for (; *names != NULL; names++)
		ck_assert_msg(json_is_integer(json_object_get(object, *names)),
		    "%s is no whole number", *names);
}

static const char *const numbers_of_instance[] = { "pid", "uptime",
	"generation", "connections", "connections_accepted",
	"connections_refused", "connections_closed", "connections_closed_idle",
	"accept_holds", "foreign", "throttled", "throttles", "reports", "bytes",
	"skewed", "clamped", "reloads", "reload_errors", "connections_max",
	"configured_ts", "certificate_expires", "last_dead_lost_ts", "log_lost",
	NULL };
static const char *const numbers_of_records[] = { "received", "replayed",
	"rejected", "dropped", "queued", "pending", "superseded", "stored",
	"dead_letter", NULL };
static const char *const numbers_of_worker[] = { "slot", "generation", "pid",
	"restarts", "queued", "pending", "superseded", "replayed", "stored",
	"dead_letter", "dead_lost", "poisoned", "ring_records", "table_keys",
	"keys", "evicted", "full", "skewed", "clamped", "rows", "flushes",
	"connects", "apart_since", "blocked_since", "clock_skew",
	"last_flush_ts", "waiting_since", "last_error_number", "last_error_ts",
	"recovered_ts", "log_lost", NULL };

static void
check_worker_types(const json_t *worker)
{
	check_numbers(worker, numbers_of_worker);
	ck_assert(json_is_string(json_object_get(worker, "state")));
	ck_assert(json_is_boolean(json_object_get(worker, "connected")));
	ck_assert(json_is_real(json_object_get(worker, "last_flush_ms")));
	ck_assert(json_is_real(json_object_get(worker, "flush_ms")));
	ck_assert(json_is_null(json_object_get(worker, "segment_error")));
	const json_t *errors = json_object_get(worker, "errors");
	ck_assert_uint_eq(json_object_size(errors), DB_CLASSES - 1);
	for (int i = DB_OK + 1; i < DB_CLASSES; i++)
		ck_assert(json_is_integer(
		    json_object_get(errors, db_class_name((enum db_class)i))));
}

START_TEST(json_has_all_fields_with_their_types)
{
	make_history();
	collect();
	json_t *object = json_written();
	json_t *of_workers = json_object_get(object, "workers");

	check_numbers(object, numbers_of_instance);
	check_numbers(json_object_get(object, "records"), numbers_of_records);
	ck_assert(json_is_string(json_object_get(object, "instance")));
	ck_assert(json_is_string(json_object_get(object, "version")));
	ck_assert(json_is_true(json_object_get(object, "running")));
	ck_assert(json_is_false(json_object_get(object, "reload_failed")));
	ck_assert_uint_eq(json_object_size(json_object_get(object, "rejected")),
	    REJECT_REASONS);
	ck_assert_uint_eq(
	    json_object_size(json_object_get(object, "refused")), REFUSALS);
	ck_assert_uint_eq(
	    json_object_size(json_object_get(object, "closed")), CLOSINGS);
	const json_t *rates = json_object_get(object, "rates");
	ck_assert_uint_eq(json_array_size(rates), RATES_SPANS);
	for (size_t i = 0; i < RATES_SPANS; i++) {
		const json_t *rate = json_array_get(rates, i);

		ck_assert_int_eq(
		    json_integer_value(json_object_get(rate, "span")),
		    rates_spans[i]);
		ck_assert(json_is_real(json_object_get(rate, "seconds")));
		ck_assert(json_is_real(json_object_get(rate, "received")));
		ck_assert(json_is_real(json_object_get(rate, "stored")));
	}
	ck_assert_uint_eq(json_array_size(of_workers), 2);
	for (size_t i = 0; i < 2; i++)
		check_worker_types(json_array_get(of_workers, i));
	ck_assert_str_eq(json_string_value(json_object_get(
			     json_array_get(of_workers, 0), "host")),
	    "db\\n1:3306");
	ck_assert(json_is_null(
	    json_object_get(json_array_get(of_workers, 1), "host")));
	ck_assert(json_is_null(
	    json_object_get(json_array_get(of_workers, 0), "last_error")));
	ck_assert(json_is_string(
	    json_object_get(json_array_get(of_workers, 1), "last_error")));
	json_decref(object);
}
END_TEST

static int64_t
term(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

START_TEST(json_shows_the_same_figures)
{
	make_history();
	collect();
	json_t *object = json_written();
	const json_t *r = json_object_get(object, "records");
	const json_t *w = json_array_get(json_object_get(object, "workers"), 0);
	const json_t *v = json_array_get(json_object_get(object, "workers"), 1);

	ck_assert_str_eq(
	    json_string_value(json_object_get(object, "instance")), instance);
	ck_assert_int_eq(term(object, "pid"), getpid());
	ck_assert_int_ge(term(object, "uptime"), 100000);
	ck_assert_int_eq(term(object, "connections"), 12);
	ck_assert_int_eq(term(object, "connections_refused"), 9);
	ck_assert_int_eq(term(object, "connections_closed"), 14);
	ck_assert_int_eq(term(object, "connections_closed_idle"), 6);
	ck_assert_int_eq(
	    term(json_object_get(object, "refused"), "no_memory"), 5);
	ck_assert_int_eq(term(json_object_get(object, "closed"), "stop"), 8);
	ck_assert_int_eq(term(r, "received"), 136);
	ck_assert_int_eq(term(r, "queued"), 12);
	ck_assert_int_eq(term(r, "received") + term(r, "replayed"),
	    term(r, "rejected") + term(r, "dropped") + term(r, "queued") +
		term(r, "pending") + term(r, "superseded") + term(r, "stored") +
		term(r, "dead_letter"));
	ck_assert_int_eq(
	    term(json_object_get(object, "rejected"), "out_of_range"), 2);
	ck_assert_int_eq(term(w, "queued"), 5);
	ck_assert_int_eq(term(w, "stored"), 50);
	ck_assert_int_eq(term(w, "pending"), term(r, "pending"));
	ck_assert_double_eq(
	    json_real_value(json_object_get(w, "last_flush_ms")), 12.5);
	ck_assert_int_eq(term(v, "slot"), 1);
	ck_assert_int_eq(term(v, "last_error_number"), 1146);
	ck_assert_int_eq(term(json_object_get(v, "errors"), "hold"), 9);
	json_decref(object);
}
END_TEST

START_TEST(json_stands_an_error_text_that_is_no_utf8)
{
	make_history();
	strcpy(workers[1].shared->flush.last_error, "caf\xe9 closed");
	collect();
	json_t *object = json_written();
	const json_t *w = json_array_get(json_object_get(object, "workers"), 1);

	ck_assert_str_eq(json_string_value(json_object_get(w, "last_error")),
	    "caf\\xe9 closed");
	json_decref(object);
}
END_TEST

/* ---------------------------------------------------------------- manual -- */

/* A section of reporterctl(8), for free(). */
static char *
manual_section(const char *from, const char *to)
{
	const char *top = getenv("srcdir");
	char path[4096], *text = calloc(1, 65536);

	snprintf(path, sizeof(path), "%s/man/reporterctl.8",
	    top != NULL ? top : ".");
	FILE *in = fopen(path, "r");
	ck_assert_msg(in != NULL, "%s", path);
	ck_assert_uint_gt(fread(text, 1, 65535, in), 0);
	fclose(in);
	char *begin = strstr(text, from), *end = strstr(text, to);
	ck_assert_msg(
	    begin != NULL && end != NULL && begin < end, "no section %s", from);
	*end = '\0';
	memmove(text, begin, strlen(begin) + 1);
	return text;
}

static bool
has_word(const char *text, const char *word)
{
	static const char in_names[] = "abcdefghijklmnopqrstuvwxyz_";
	size_t length = strlen(word);

	for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
		if ((at[length] == '\0' ||
			strchr(in_names, at[length]) == NULL) &&
		    (at == text || strchr(in_names, at[-1]) == NULL))
			return true;
	return false;
}

/* Visit each name of the lists ".It Va name , name", which go on after a
   backslash at a line's end. */
static void
each_name(char *section, void (*visit)(const char *name))
{
	char *at = section, *state;

	while ((at = strstr(at, "\n.It Va ")) != NULL) {
		char *end = at += strlen("\n.It Va ");

		do {
			end += strcspn(end, "\n") + 1;
		} while (end[-2] == '\\');
		end[-1] = '\0';
		for (char *name = strtok_r(at, " ,\\\n", &state); name != NULL;
		     name = strtok_r(NULL, " ,\\\n", &state))
			visit(name);
		end[-1] = '\n';
		at = end - 1;
	}
}

static json_t *documented;

static void
is_member(const char *name)
{
	const json_t *worker =
	    json_array_get(json_object_get(documented, "workers"), 0);

	ck_assert_msg(json_object_get(documented, name) != NULL ||
			  json_object_get(worker, name) != NULL,
	    "%s is documented, and no member of the JSON object", name);
}

static void
is_family(const char *name)
{
	char line[128];

	snprintf(line, sizeof(line), "# TYPE reporter_%s ", name);
	ck_assert_msg(strstr(written, line) != NULL,
	    "%s is documented, and no metric of Prometheus", name);
}

START_TEST(each_name_is_documented)
{
	char *json = manual_section(
	    ".Ss The status for programs", ".Ss The status for scrapers");
	char *scrapers =
	    manual_section(".Ss The status for scrapers", ".Ss Top");
	char *all = manual_section(
	    ".Ss The status for people", ".Ss The status for scrapers");

	for (const struct metric *m = metrics; m < metrics_end; m++) {
		const struct metric_reasons *reasons = m->reasons;

		ck_assert_msg(m->name == NULL || has_word(json, m->name),
		    "no %s in reporterctl(8)", m->name);
		ck_assert_msg(
		    m->family == NULL || has_word(scrapers, m->family),
		    "no %s in reporterctl(8)", m->family);
		ck_assert((m->family == NULL) == (m->help == NULL));
		if (m->family != NULL)
			ck_assert_int_eq(m->kind == METRIC_COUNTER,
			    strstr(m->family, "_total") != NULL);
		for (unsigned j = 0; reasons != NULL && j < reasons->end; j++)
			ck_assert_msg(j < reasons->first ||
					  has_word(all, reasons->name(j)),
			    "no %s in reporterctl(8)", reasons->name(j));
	}
	free(all);
	free(json);
	free(scrapers);
}
END_TEST

START_TEST(each_documented_name_is_there)
{
	char *json = manual_section(
	    ".Ss The status for programs", ".Ss The status for scrapers");
	char *scrapers =
	    manual_section(".Ss The status for scrapers", ".Ss Top");

	make_history();
	collect();
	documented = json_written();
	each_name(json, is_member);
	json_decref(documented);
	write_with(write_prometheus);
	each_name(scrapers, is_family);
	free(json);
	free(scrapers);
}
END_TEST

/* What is shown and is not of the table: each member has to be documented. */
START_TEST(each_member_is_documented)
{
	char *json = manual_section(
	    ".Ss The status for programs", ".Ss The status for scrapers");
	const char *name;
	json_t *value;

	make_history();
	collect();
	json_t *object = json_written();
	json_t *worker = json_array_get(json_object_get(object, "workers"), 0);
	json_object_foreach(object, name, value)
	    ck_assert_msg(has_word(json, name), "no %s", name);
	json_object_foreach(worker, name, value)
	    ck_assert_msg(has_word(json, name), "no %s", name);
	json_decref(object);
	free(json);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("status");
	TCase *tcase = tcase_create("status");

	/* One name for all tests, known here, so that a failed one leaves
	   nothing behind either. */
	snprintf(instance, sizeof(instance), "unit-status-%d", (int)getpid());
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, the_terms_are_what_happened);
	tcase_add_test(tcase, a_retired_segment_keeps_counting);
	tcase_add_test(tcase, the_sum_adds_up_while_records_travel);
	tcase_add_test(tcase, a_sum_that_does_not_add_up_is_shown_as_it_is);
	tcase_add_test(tcase, running_is_a_process_that_holds_the_segment);
	tcase_add_test(tcase, a_lock_of_a_reader_is_not_seen);
	tcase_add_test(tcase, what_a_killed_master_left_is_listed);
	tcase_add_test(tcase, a_damaged_segment_is_named);
	tcase_add_test(tcase, no_segment_and_a_strange_one_are_told);
	tcase_add_test(tcase, text_shows_the_sum_and_the_workers);
	tcase_add_test(tcase, text_shows_that_an_error_is_over);
	tcase_add_test(tcase, text_shows_what_is_left);
	tcase_add_test(tcase, text_never_passes_80_columns);
	tcase_add_test(tcase, json_has_all_fields_with_their_types);
	tcase_add_test(tcase, json_shows_the_same_figures);
	tcase_add_test(tcase, json_stands_an_error_text_that_is_no_utf8);
	tcase_add_test(tcase, rates_are_over_the_time_that_has_passed);
	tcase_add_test(tcase, lag_is_the_time_without_a_commit);
	tcase_add_test(tcase, text_of_four_workers_fits_one_screen);
	tcase_add_loop_test(
	    tcase, text_of_many_workers_shows_those_that_are_not_well, 0, 2);
	tcase_add_test(tcase, prometheus_shows_the_same_figures);
	tcase_add_test(tcase, prometheus_leaves_out_what_cannot_be_read);
	tcase_add_test(tcase, each_name_is_documented);
	tcase_add_test(tcase, each_documented_name_is_there);
	tcase_add_test(tcase, each_member_is_documented);
	suite_add_tcase(suite, tcase);

	int failed = suite_run(suite);
	instance_remove(instance);
	return failed;
}
