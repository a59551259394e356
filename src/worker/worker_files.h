/* SPDX-License-Identifier: MIT
 *
 * A worker and files: which of them it may change.
 */
#pragma once

#include "worker/worker.h"

/* worker_files_confine - from now on this process can open files for writing in
   the directories of the log and of the dead-letter file only, and it cannot
   trace other processes.  Its segment is mapped.  Reading is not restricted.
   Needs no_new_privs.  Called before there are threads.
   Returns 1; 0 where the kernel cannot do that; -1: logged. */
int worker_files_confine(const struct worker_start *start);

/* worker_files_moved - whether the directory of the dead-letter file is another
   one than at worker_files_confine(), so that this process cannot write there:
   the master starts another one, see change_watch(). */
bool worker_files_moved(const char *dead_letter_file);
