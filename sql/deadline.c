/* SPDX-License-Identifier: MIT
 *
 * Time limits for calls of the client library.  Owns a thread, and a duplicate
 * of the connection's descriptor: the library closes its own after an error,
 * and the number may then be another file's.
 */
#include "config.h"

#include "sql/deadline.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NEVER UINT64_MAX

struct deadline {
	pthread_t thread;
	pthread_mutex_t mutex; /* of all below */
	pthread_cond_t wake;
	MYSQL *mysql;    /* of the call under way */
	uint64_t due;    /* when to look, monotonic ms; NEVER */
	uint64_t sleeps; /* until when the thread sleeps */
	uint64_t limit;  /* ms */
	int fd;          /* the duplicate; -1: none */
	int seen;        /* the descriptor at the last look; -1: none */
	bool cut, stop;
};

/* A limit is over.  While the library connects, its descriptor is only known
   once there is a connection; one that the last look did not see has just begun
   its handshake.  The library may be closing it right now: then the call does
   no harm, as no other thread of ours opens sockets that matter. */
static void
deadline_look(struct deadline *d)
{
	int fd = d->fd >= 0
		     ? d->fd
		     : __atomic_load_n(&d->mysql->net.fd, __ATOMIC_RELAXED);

	if (fd >= 0 && fd == d->seen) {
		d->cut = true;
		shutdown(fd, SHUT_RDWR);
	}
	d->seen = fd;
	d->due += d->limit;
}

static void *
deadline_main(void *arg)
{
	struct deadline *d = arg;

	pthread_mutex_lock(&d->mutex);
	while (!d->stop) {
		d->sleeps = d->due;
		if (d->due == NEVER) {
			pthread_cond_wait(&d->wake, &d->mutex);
		} else if (d->due <= clock_ms()) {
			deadline_look(d);
		} else {
			struct timespec until = { (time_t)(d->due / 1000),
				(long)(d->due % 1000) * 1000000 };
			pthread_cond_clockwait(
			    &d->wake, &d->mutex, CLOCK_MONOTONIC, &until);
		}
	}
	pthread_mutex_unlock(&d->mutex);
	return NULL;
}

struct deadline *
deadline_new(void)
{
	struct deadline *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->due = NEVER;
	d->fd = d->seen = -1;
	pthread_mutex_init(&d->mutex, NULL);
	pthread_cond_init(&d->wake, NULL);
	if (pthread_create(&d->thread, NULL, deadline_main, d) == 0)
		return d;
	free(d);
	return NULL;
}

void
deadline_free(struct deadline *d)
{
	if (d == NULL)
		return;
	pthread_mutex_lock(&d->mutex);
	d->stop = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->mutex);
	pthread_join(d->thread, NULL);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->mutex);
	free(d);
}

void
deadline_begin(struct deadline *d, MYSQL *mysql, unsigned ms)
{
	pthread_mutex_lock(&d->mutex);
	d->mysql = mysql;
	d->limit = ms;
	d->due = clock_ms() + ms + 1; /* now is rounded down */
	d->seen = d->fd;
	d->cut = false;
	/* A thread that wakes earlier, for a limit that is over, goes to sleep
	   again. */
	if (d->sleeps > d->due)
		pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->mutex);
}

bool
deadline_end(struct deadline *d)
{
	bool cut;

	pthread_mutex_lock(&d->mutex);
	d->due = NEVER;
	cut = d->cut;
	pthread_mutex_unlock(&d->mutex);
	return cut;
}

void
deadline_watch(struct deadline *d, MYSQL *mysql)
{
	pthread_mutex_lock(&d->mutex);
	d->fd = fcntl(mysql->net.fd, F_DUPFD_CLOEXEC, 0);
	pthread_mutex_unlock(&d->mutex);
}

void
deadline_forget(struct deadline *d, bool cut)
{
	pthread_mutex_lock(&d->mutex);
	if (d->fd >= 0) {
		if (cut)
			shutdown(d->fd, SHUT_RDWR);
		close(d->fd);
	}
	d->fd = -1;
	pthread_mutex_unlock(&d->mutex);
}
