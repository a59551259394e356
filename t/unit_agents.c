/* SPDX-License-Identifier: MIT
 *
 * Check suite of shm/agents.c: rows are taken, freed and taken again, readers
 * see whole rows, and the segment is replaced, shared and refused as the others
 * are.
 */
#include "config.h"

#include "instance_fixture.h"
#include "shm/agents.h"
#include "suite.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ROWS 4
#define READS 20000
#define CHANGES 20 /* that must be seen */
#define WORDS (sizeof(struct agent) / sizeof(uint64_t))

static char instance[INSTANCE_MAX];
static struct agents agents, reader;
static atomic_bool enough;

/* All words of a row are its number times this. */
static struct agent
agent_numbered(uint64_t n)
{
	struct agent agent;

	for (size_t i = 0; i < WORDS; i++)
		((uint64_t *)&agent)[i] = n * (i + 1);
	return agent;
}

/* Whether a row that was read is one of those, and not parts of two. */
static bool
is_whole(const struct agent *agent)
{
	const uint64_t *words = (const uint64_t *)agent;

	for (size_t i = 0; i < WORDS; i++)
		if (words[i] != words[0] * (i + 1))
			return false;
	return true;
}

static struct agent *
take(uint64_t n)
{
	const struct agent agent = agent_numbered(n);

	return agents_take(&agents, &agent);
}

static void
setup(void)
{
	snprintf(instance, sizeof(instance), "unit-agents-%d", getpid());
	ck_assert_int_eq(
	    agents_create(&agents, instance, ROWS, (gid_t)-1), SHM_OK);
	ck_assert_int_eq(agents_open(&reader, instance, geteuid()), SHM_OK);
}

static void
teardown(void)
{
	char name[SEGMENT_NAME_MAX];

	segment_close(&reader.map);
	agents_remove(&agents);
	segment_name_agents(name, instance);
	ck_assert_int_eq(segment_remove(name), SHM_MISSING);
}

/* The sum of the agents' numbers that a reader sees. */
static uint64_t
seen(void)
{
	struct agent agent;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < reader.shared->header.table_keys; i++)
		if (agents_read(&reader, i, &agent)) {
			ck_assert(is_whole(&agent));
			sum += agent.reports;
		}
	return sum;
}

START_TEST(rows_are_taken_and_freed)
{
	struct agent *rows[ROWS];

	ck_assert_uint_eq(seen(), 0);
	for (uint64_t i = 0; i < ROWS; i++) {
		rows[i] = take(UINT64_C(1) << i);
		ck_assert_ptr_nonnull(rows[i]);
	}
	ck_assert_uint_eq(seen(), 15);
	/* The others are counted. */
	ck_assert_ptr_null(take(16));
	ck_assert_ptr_null(take(16));
	ck_assert_uint_eq(counter_get(&reader.shared->unlisted), 2);
	agents_free(&agents, NULL);
	ck_assert_uint_eq(counter_get(&reader.shared->unlisted), 1);
	/* In any order. */
	agents_free(&agents, rows[1]);
	agents_free(&agents, rows[3]);
	ck_assert_uint_eq(seen(), 5);
	ck_assert_ptr_nonnull(take(32));
	ck_assert_ptr_nonnull(take(64));
	ck_assert_uint_eq(seen(), 1 + 4 + 32 + 64);
	ck_assert_ptr_null(take(16));
}
END_TEST

START_TEST(figures_change_in_place)
{
	struct agent *shown = take(1), agent;

	agent_add(&shown->reports, 41);
	agent_set(&shown->held, 7);
	ck_assert(agents_read(&reader, 0, &agent));
	ck_assert_uint_eq(agent.reports, 42);
	ck_assert_uint_eq(agent.held, 7);
	ck_assert_uint_eq(agent.records, 2);
	agent = agent_numbered(9);
	agents_change(shown, &agent);
	ck_assert_uint_eq(seen(), 9);
}
END_TEST

/* Change a row until the reader has seen enough. */
static void *
write_rows(void *arg)
{
	struct agent *shown = take(1);

	(void)arg;
	for (uint64_t i = 2; !atomic_load(&enough); i++) {
		struct agent agent = agent_numbered(i);

		if (i % 3 == 0) {
			agents_free(&agents, shown);
			shown = agents_take(&agents, &agent);
		} else {
			agents_change(shown, &agent);
		}
	}
	return NULL;
}

START_TEST(a_reader_sees_whole_rows)
{
	uint64_t last = 0, distinct = 0, sum;
	pthread_t writer;

	ck_assert_int_eq(pthread_create(&writer, NULL, write_rows, NULL), 0);
	/* seen() checks each row. */
	for (int i = 0; i < READS || distinct < CHANGES; i++) {
		sum = seen();
		distinct += sum != last;
		last = sum;
	}
	atomic_store(&enough, true);
	ck_assert_int_eq(pthread_join(writer, NULL), 0);
}
END_TEST

START_TEST(a_row_that_a_killed_writer_left_is_no_agent)
{
	struct agent agent;

	take(1);
	counter_set(&agents.rows[0].version, 3);
	ck_assert(!agents_read(&reader, 0, &agent));
	ck_assert_uint_eq(seen(), 0);
}
END_TEST

START_TEST(it_replaces_what_a_killed_one_left)
{
	struct agents next;

	take(1);
	ck_assert_int_eq(
	    agents_create(&next, instance, ROWS + 1, (gid_t)-1), SHM_OK);
	segment_close(&reader.map);
	ck_assert_int_eq(agents_open(&reader, instance, geteuid()), SHM_OK);
	ck_assert_uint_eq(seen(), 0);
	ck_assert_uint_eq(reader.shared->header.table_keys, ROWS + 1);
	segment_close(&next.map);
}
END_TEST

/* As segment_open: another version, another owner, another size. */
START_TEST(any_word_is_a_dialect_or_unknown)
{
	ck_assert_str_eq(dialect_name(1), "native");
	ck_assert_str_eq(dialect_name(4), "unknown");
	ck_assert_str_eq(dialect_name(UINT64_C(1) << 32), "unknown");
}
END_TEST

START_TEST(it_is_refused_if_it_is_another)
{
	struct segment_header *header = agents.map.base;
	struct agents other;

	ck_assert_int_eq(
	    agents_open(&other, instance, geteuid() + 1), SHM_FOREIGN);
	ck_assert_int_eq(segment_list(instance, SEGMENT_ANYBODY, NULL, 0), 0);
	header->table_keys++;
	ck_assert_int_eq(agents_open(&other, instance, geteuid()), SHM_DAMAGED);
	header->version++;
	ck_assert_int_eq(agents_open(&other, instance, geteuid()), SHM_VERSION);
	agents_remove(&agents);
	ck_assert_int_eq(agents_open(&other, instance, geteuid()), SHM_MISSING);
	agents_remove(&agents);
}
END_TEST

START_TEST(a_group_may_read_it_and_no_child_has_it)
{
	char path[SEGMENT_NAME_MAX + sizeof(SHM_DIR)];
	struct stat st;
	int status;

	agents_remove(&agents);
	ck_assert_int_eq(
	    agents_create(&agents, instance, ROWS, getegid()), SHM_OK);
	snprintf(path, sizeof(path), SHM_DIR "%s", agents.map.name);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	pid_t pid = fork();
	if (pid == 0)
		_exit(msync(agents.map.base, 4096, MS_ASYNC) == 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("agents");
	TCase *tcase = tcase_create("agents");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, rows_are_taken_and_freed);
	tcase_add_test(tcase, figures_change_in_place);
	tcase_add_test(tcase, a_reader_sees_whole_rows);
	tcase_add_test(tcase, a_row_that_a_killed_writer_left_is_no_agent);
	tcase_add_test(tcase, it_replaces_what_a_killed_one_left);
	tcase_add_test(tcase, any_word_is_a_dialect_or_unknown);
	tcase_add_test(tcase, it_is_refused_if_it_is_another);
	tcase_add_test(tcase, a_group_may_read_it_and_no_child_has_it);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
