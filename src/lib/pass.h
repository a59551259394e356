/* SPDX-License-Identifier: MIT
 *
 * Passing descriptors over a Unix socket that keeps messages apart.  Nothing
 * here blocks.  Any process.
 */
#ifndef REPORTER_PASS_H
#define REPORTER_PASS_H

#include <stddef.h>
#include <sys/types.h>

#define PASS_MAX 253 /* descriptors of one message: the kernel's SCM_MAX_FD */

/* pass_send - send one message of n bytes, 1 or more, and count descriptors, 0
   to PASS_MAX, which stay the caller's as well.  Returns 0, or -1 with errno.
 */
int pass_send(
    int to, const void *bytes, size_t n, const int *fds, size_t count);

/*
 * pass_receive - receive one message: up to size bytes, and the descriptors
 * with it, which are the caller's then, close-on-exec.  fds: room for PASS_MAX.
 * Returns its length, 0 at the end; or -1 with errno: EMFILE also when some
 * descriptors of it are lost.
 */
ssize_t pass_receive(
    int from, void *bytes, size_t size, int *fds, size_t *count);

#endif
