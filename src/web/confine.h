/* SPDX-License-Identifier: MIT
 *
 * reporter-web: giving up what it does not need.
 */
#ifndef REPORTER_CONFINE_H
#define REPORTER_CONFINE_H

/*
 * confine - from now on this thread, and those that it starts, gain no
 * privileges and, where the kernel can do that, open nothing but files below
 * /dev/shm, and these only for reading, and /dev/null.  Returns 1; 0 where the
 * kernel cannot confine files; -1 with errno.
 */
int confine(void);

#endif
