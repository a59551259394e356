/* SPDX-License-Identifier: MIT
 *
 * System calls and allocations that fail when a test says so: the linker's
 * --wrap leads the calls of the daemon's own code through here, see t/chaos.mk.
 * fault_call() decides which one fails.  Any process, any thread.
 */
#include "config.h"

#include "faultpoint.h"

#include <errno.h>
#include <stddef.h>

/*
 * WRAP(type, name, (parameters), (arguments), errno, failure): the wrapper of
 * name(); when it is to fail, it sets errno and returns failure.
 */
#define WRAP(type, name, parameters, arguments, number, failure) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		if (fault_call(#name)) { \
			errno = number; \
			return failure; \
		} \
		return __real_##name arguments; \
	}

/* Types of the system's own, where only their address or value passes. */
struct epoll_event;
struct rlimit;
struct sockaddr;
struct stat;

WRAP(void *, malloc, (size_t n), (n), ENOMEM, NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), ENOMEM, NULL)
WRAP(void *, realloc, (void *p, size_t n), (p, n), ENOMEM, NULL)
WRAP(char *, strdup, (const char *s), (s), ENOMEM, NULL)
WRAP(char *, strndup, (const char *s, size_t n), (s, n), ENOMEM, NULL)
WRAP(void *, fopen, (const char *path, const char *mode), (path, mode), EMFILE,
    NULL)
WRAP(void *, open_memstream, (char **text, size_t *size), (text, size), ENOMEM,
    NULL)
WRAP(int, epoll_create1, (int flags), (flags), EMFILE, -1)
WRAP(int, epoll_ctl, (int epoll, int op, int fd, struct epoll_event *event),
    (epoll, op, fd, event), ENOSPC, -1)
WRAP(int, signalfd, (int fd, const void *set, int flags), (fd, set, flags),
    EMFILE, -1)
WRAP(int, socket, (int domain, int type, int protocol),
    (domain, type, protocol), EMFILE, -1)
WRAP(int, bind, (int fd, const struct sockaddr *address, unsigned length),
    (fd, address, length), EADDRINUSE, -1)
WRAP(int, listen, (int fd, int backlog), (fd, backlog), EADDRINUSE, -1)
WRAP(int, getrlimit, (int resource, struct rlimit *limit), (resource, limit),
    EPERM, -1)
WRAP(int, setrlimit, (int resource, const struct rlimit *limit),
    (resource, limit), EPERM, -1)
WRAP(int, shm_open, (const char *name, int flags, unsigned mode),
    (name, flags, mode), EMFILE, -1)
WRAP(int, posix_fallocate, (int fd, long offset, long length),
    (fd, offset, length), ENOSPC, ENOSPC)
WRAP(void *, mmap,
    (void *address, size_t length, int protection, int flags, int fd,
	long offset),
    (address, length, protection, flags, fd, offset), ENOMEM, (void *)-1)
WRAP(int, flock, (int fd, int operation), (fd, operation), ENOLCK, -1)
WRAP(int, fstat, (int fd, struct stat *st), (fd, st), EIO, -1)
WRAP(int, ftruncate, (int fd, long length), (fd, length), EIO, -1)
WRAP(void *, opendir, (const char *name), (name), EMFILE, NULL)
WRAP(int, open, (const char *path, int flags, unsigned mode),
    (path, flags, mode), EMFILE, -1)
WRAP(int, fork, (void), (), EAGAIN, -1)
WRAP(long, getrandom, (void *bytes, size_t size, unsigned flags),
    (bytes, size, flags), ENOSYS, -1)
WRAP(int, pthread_create,
    (unsigned long *thread, const void *attributes, void *(*start)(void *),
	void *argument),
    (thread, attributes, start, argument), EAGAIN, EAGAIN)
