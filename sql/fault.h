/* SPDX-License-Identifier: MIT
 *
 * The seam of the fault tests: before each call of the client library that
 * can fail, its caller asks here whether to pretend that it did.  Compiled
 * in with -DREPORTER_FAULTS only; without it, nothing of it is left.
 *
 * The environment variable REPORTER_FAULT_DB says what to pretend:
 *
 *     rate=PERMILLE,seed=NUMBER,errors=1213:2013:1205[,calls=insert:execute]
 *
 * calls: connect, query (about server and table), insert (the statement
 * as text), prepare, execute; all when left out.  The same settings give the
 * same sequence of failures.
 */
#pragma once

#include <stdbool.h>

#ifdef REPORTER_FAULTS

/* fault_db - the error number to pretend for this call; 0: make the call. */
unsigned fault_db(const char *call);

/* fault_late - whether to make the call all the same, and lose its answer:
   half of the errors 2013, as when a connection breaks after the commit. */
bool fault_late(unsigned number);

#else

#define fault_db(call) ((void)(call), 0u)
#define fault_late(number) ((void)(number), false)

#endif
