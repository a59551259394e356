/* SPDX-License-Identifier: MIT
 *
 * What OpenSSL does not permit: the child of a fork() that was made while a
 * thread is in it, and a thread that is in it during exit().
 */
#include "client/reporter_tls.h"
#include "client/transport.h"
#include "suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct reporter_transport *transport;
static void *session;
static _Atomic bool within, agreed;

ssize_t __real_send(int fd, const void *bytes, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t n, int flags);

ssize_t
__wrap_send(int fd, const void *bytes, size_t n, int flags)
{
	atomic_store(&within, true);
	nanosleep(&(const struct timespec){ 0, 100000000L }, NULL);
	atomic_store(&within, false);
	return __real_send(fd, bytes, n, flags);
}

static void
session_make(void)
{
	const struct reporter_tls_options options = { .size = sizeof(options),
		.insecure = 1 };
	char reason[256];
	int pair[2];

	transport = reporter_tls_new(&options, reason, sizeof(reason));
	ck_assert_ptr_nonnull(transport);
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	session = transport->open(transport, pair[0], "localhost");
	ck_assert_ptr_nonnull(session);
}

/* Runs after OpenSSL has freed what it had. */
static void
late(void)
{
	short events = -1;
	int done = transport->agree(session, &events);

	transport->free(session);
	_exit(done != 0 || events != 0 || atomic_load(&within));
}

/* First: the child must be the one that initializes OpenSSL. */
START_TEST(at_the_end_nothing_is_done_any_more)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		atexit(late);
		session_make();
		exit(1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static void *
agree(void *arg)
{
	short events;

	(void)arg;
	transport->agree(session, &events);
	atomic_store(&agreed, true);
	return NULL;
}

START_TEST(a_fork_waits_for_who_is_within)
{
	pthread_t thread;
	int status;

	session_make();
	ck_assert_int_eq(pthread_create(&thread, NULL, agree, NULL), 0);
	/* Else TSan misses it in the child. */
	pthread_detach(thread);
	while (!atomic_load(&within))
		nanosleep(&(const struct timespec){ 0, 1000000L }, NULL);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (atomic_load(&within))
			_exit(1);
		transport->free(session);
		session_make();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	while (!atomic_load(&agreed))
		nanosleep(&(const struct timespec){ 0, 1000000L }, NULL);
	transport->free(session);
	reporter_tls_free(transport);
}
END_TEST

START_TEST(options_may_grow)
{
	struct {
		struct reporter_tls_options known;
		const char *newer;
	} more = { .known = { .size = sizeof(more), .insecure = 1 } };
	struct reporter_tls_options old = { .insecure = 1 };
	char reason[256];

	struct reporter_transport *made =
	    reporter_tls_new(&more.known, reason, sizeof(reason));
	ck_assert_msg(made != NULL, "%s", reason);
	reporter_tls_free(made);
	more.newer = "a value";
	ck_assert_ptr_null(
	    reporter_tls_new(&more.known, reason, sizeof(reason)));
	/* The first version ends here, whatever is added. */
	old.size = offsetof(struct reporter_tls_options, insecure) +
		   sizeof(old.insecure);
	made = reporter_tls_new(&old, reason, sizeof(reason));
	ck_assert_msg(made != NULL, "%s", reason);
	reporter_tls_free(made);
	old.size = 0;
	ck_assert_ptr_null(reporter_tls_new(&old, reason, sizeof(reason)));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client_tls");
	TCase *tcase = tcase_create("client_tls");

	tcase_add_test(tcase, at_the_end_nothing_is_done_any_more);
	tcase_add_test(tcase, a_fork_waits_for_who_is_within);
	tcase_add_test(tcase, options_may_grow);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
