/* SPDX-License-Identifier: MIT
 *
 * The words that arm the points of shm/faultpoint.h and the calls of
 * t/fault_calls.c.
 *
 * The environment variable REPORTER_FAULT_FILE names a file of
 * sizeof(struct fault_words) bytes.  It is mapped by the process and all its
 * children, so that a test can arm a point while they run, and see that it was
 * reached.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum fault_process {
	FAULT_MASTER,
	FAULT_WORKER
};

/* A test writes it with t/faulty.py, by way of t/offsets.c. */
struct fault_words {
	_Atomic char point[48];    /* the name of the point that is armed */
	_Atomic int32_t countdown; /* die when it was passed so often; below 1:
				      it has happened */
	int32_t signal;            /* die of this one */
	int32_t poison;            /* a record of this modid kills, 0: none */
	int32_t process;           /* enum fault_process: whose calls count */
	_Atomic int32_t calls;     /* system calls and allocations, so far */
	int32_t fail_at;           /* this one fails, 0: none */
	char failed[40];           /* the name of the one that did */
};

/* fault_call - whether to pretend that this system call or allocation failed;
   called by the wrappers in t/fault_calls.c. */
int fault_call(const char *name);
