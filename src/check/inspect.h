/* SPDX-License-Identifier: MIT
 *
 * The check of `reporter -t`: whether this machine has what a configuration
 * asks for, before anything is started.  Nothing is changed: no file is made,
 * no shared memory, no process of another's is spoken to.  Called by main().
 */
#ifndef REPORTER_INSPECT_H
#define REPORTER_INSPECT_H

#include "lib/complain.h"
#include "conf/settings.h"

#include <stdbool.h>

/*
 * inspect_machine - addresses, files as the user that it will run as, memory,
 * the limit of open files.  path: the configuration's file.  All that is wrong
 * is complained about, with the line that asks for it.
 */
void inspect_machine(const struct settings *settings, const char *path,
    struct complaints *complaints);

/* inspect_database - connect to each host of the list, and look at server,
   table and rights.  path: the configuration's file, for the password.  What is
   found and right is written to `found`, a line a host. */
void inspect_database(const struct settings *settings, const char *path,
    struct complaints *complaints, FILE *found);

/*
 * inspect_room - whether so many bytes of shared memory fit into what is free
 * in /dev/shm and in what the machine can give.  Writes what is wrong, with
 * what to do, to text.  A pure function.
 */
bool inspect_room(
    uint64_t need, uint64_t space, uint64_t available, char *text, size_t size);

/* The parts of inspect_machine(); each in its file. */
void inspect_addresses(
    const struct settings *settings, struct complaints *complaints);
void inspect_pid_file(
    const struct settings *settings, struct complaints *complaints);
void inspect_files(const struct settings *settings, const char *path,
    const char *real, struct complaints *complaints);

/* inspect_option - complain about an option where its value stands. */
void inspect_option(struct complaints *complaints,
    const struct settings *settings, const char *section, const char *name,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
