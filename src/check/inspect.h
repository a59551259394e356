/* SPDX-License-Identifier: MIT
 *
 * The check of `reporter -t`: whether this machine has what a configuration
 * requires.  Nothing is changed: no file, no shared memory, no other process.
 * Called by main(), and by the master.
 */
#pragma once

#include "lib/complain.h"
#include "conf/settings.h"

#include <stdbool.h>

/* inspect_machine - check addresses, memory, the limit on open files, and files
   as the user that reporter will run as.  path: the configuration's file.  Each
   fault is complained about, with the line of its option.
   running: by a master that has changed to its user, for a reload: without
   addresses, memory, certificates and the limit, which that takes into use
   right after this, and without what requires root. */
void inspect_machine(const struct settings *settings, const char *path,
    bool running, struct complaints *complaints);

/* inspect_user - whether the process can change to the user of the settings, or
   stay what it is, which root may only if `user` is set to it.  If not,
   complains.  running: as above. */
bool inspect_user(const struct settings *settings, bool running,
    struct complaints *complaints);

/* inspect_database - connect to each host of the list, and check server, table
   and rights.  path: likewise, for the password.  Hosts without a fault are
   described in `found`, a line each. */
void inspect_database(const struct settings *settings, const char *path,
    struct complaints *complaints, FILE *found);

/* inspect_room - whether `need` bytes of shared memory fit into the space of
   /dev/shm and the memory that the machine has available, in bytes.  If not,
   writes the fault and the remedy to text. */
bool inspect_room(
    uint64_t need, uint64_t space, uint64_t available, char *text, size_t size);

/* The part of inspect_machine() about files.  real: the resolved path. */
void inspect_files(const struct settings *settings, const char *path,
    const char *real, struct complaints *complaints);

/* inspect_writable - check a file to be written, if the value is a path. */
void inspect_writable(const struct settings *settings, const char *section,
    const char *name, struct complaints *complaints);
