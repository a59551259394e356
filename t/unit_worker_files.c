/* SPDX-License-Identifier: MIT
 *
 * Which files a worker may change: in a process of its own each, that is
 * confined as a worker is, one file is opened in one way.  On a kernel that has
 * no Landlock there is nothing to show.
 */
#include "config.h"

#include "privilege/privilege.h"
#include "suite.h"
#include "worker/worker_files.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_LANDLOCK 2

static char directory[] = "/tmp/reporter-files.XXXXXX";
static char log_file[64], dead_letter[64], elsewhere[64], memory[64];
static char own[SEGMENT_NAME_MAX + 16], others[SEGMENT_NAME_MAX + 16];
static char missing[] = "/nonexistent/dead.jsonl", none[] = "",
	    standard_error[] = "stderr";
static struct settings settings;
static struct worker_start start;

static void
make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

static void
sub(char *path, const char *name, const char *file)
{
	char at[64];

	snprintf(at, sizeof(at), "%s/%s", directory, name);
	ck_assert_int_eq(mkdir(at, 0700), 0);
	snprintf(path, 64, "%s/%s/%s", directory, name, file);
}

static void
setup(void)
{
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	sub(log_file, "log", "log");
	sub(dead_letter, "dead", "dead.jsonl");
	sub(elsewhere, "else", "file");
	make(log_file);
	make(elsewhere);
	snprintf(memory, sizeof(memory), "/proc/%d/mem", (int)getpid());
	segment_name(
	    start.segment.map.name, "unit-files", (uint64_t)getpid(), 0);
	snprintf(own, sizeof(own), "/dev/shm%s", start.segment.map.name);
	snprintf(others, sizeof(others), "%.*s1", (int)strlen(own) - 1, own);
	make(own);
	make(others);
	settings.log_target = log_file;
	settings.dead_letter_file = dead_letter;
	start.settings = &settings;
}

static void
teardown(void)
{
	char command[64];

	unlink(own);
	unlink(others);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static const struct {
	const char *path;
	int flags;
	bool may;
} cases[] = {
	{ own, O_RDWR, false },
	{ others, O_RDONLY, true },
	{ others, O_RDWR, false },
	{ others, O_RDONLY | O_TRUNC, false },
	{ log_file, O_WRONLY | O_APPEND, true },
	{ dead_letter, O_WRONLY | O_APPEND | O_CREAT, true },
	{ elsewhere, O_RDONLY, true },
	{ elsewhere, O_WRONLY | O_APPEND, false },
	{ elsewhere, O_RDONLY | O_TRUNC, false },
	{ "/etc/passwd", O_RDONLY, true },
	{ "/dev/null", O_RDWR, true },
	{ memory, O_RDONLY, false },
	{ memory, O_RDWR, false },
};

/* The status of a confined process that opens a file. */
static int
opened(const char *path, int flags)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (privilege_bound() < 0)
			_exit(3);
		int confined = worker_files_confine(&start);
		if (confined <= 0)
			_exit(confined == 0 ? NO_LANDLOCK : 3);
		int fd = open(path, flags | O_CLOEXEC, 0600);
		if (fd < 0)
			_exit(1);
		close(fd);
		_exit(0);
	}
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(worker_changes_its_own_files_alone)
{
	int fd = open(cases[_i].path, cases[_i].flags & ~(O_TRUNC | O_CREAT));
	int status = opened(cases[_i].path, cases[_i].flags);

	/* Without rules it could be opened, or made. */
	ck_assert(fd >= 0 || errno == ENOENT || (cases[_i].flags & O_CREAT));
	if (fd >= 0)
		close(fd);
	if (status != NO_LANDLOCK)
		ck_assert_int_eq(status, cases[_i].may ? 0 : 1);
}
END_TEST

START_TEST(rotated_log_is_made_anew)
{
	int status;

	ck_assert_int_eq(unlink(log_file), 0);
	status = opened(log_file, O_WRONLY | O_APPEND | O_CREAT);
	if (status != NO_LANDLOCK)
		ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(folder_that_is_not_there_is_no_failure)
{
	settings.dead_letter_file = missing;
	settings.log_target = standard_error;
	ck_assert_int_ne(opened(own, O_RDWR), 3);
	settings.dead_letter_file = none;
	ck_assert_int_ne(opened(own, O_RDWR), 3);
	ck_assert_int_ne(opened(log_file, O_WRONLY | O_APPEND), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("worker_files");
	TCase *tc = tcase_create("worker_files");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, worker_changes_its_own_files_alone, 0,
	    (int)(sizeof(cases) / sizeof(*cases)));
	tcase_add_test(tc, rotated_log_is_made_anew);
	tcase_add_test(tc, folder_that_is_not_there_is_no_failure);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
