/* SPDX-License-Identifier: MIT
 *
 * The names that an administrator gives to services: a file with lines
 * `modid cmdid name`.  Once read nothing changes: any thread may look names up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAMES_FILE SYSCONFDIR "/reporter/services" /* by default */
#define NAMES_NAME_MAX 64                          /* bytes of a name */
#define NAMES_MAX 1000000       /* names; further lines are errors */
#define NAMES_COMPLAINTS_MAX 10 /* errors reported for one reading */

struct names;

/* names_read - read the file at path, or read it again if its mtime, size or
   inode differs from that of `before` (NULL: none).  complain: called with a
   text such as "FILE:7: found ..., expected ..." for each line that is ignored,
   up to NAMES_COMPLAINTS_MAX of them, and for a file that cannot be read.
   optional: a file that does not exist is no error, and has no names.  Returns
   `before` if nothing has changed, or else new names, for names_free(); the
   caller frees `before` when no thread uses it any more.  A file that cannot be
   read any more keeps the names it had.  NULL: out of memory. */
struct names *names_read(const char *path, bool optional, struct names *before,
    void (*complain)(const char *text));

/* names_free - NULL is allowed. */
void names_free(struct names *names);

/* names_find - the name of a service, valid as long as `names`; NULL: it has
   none.  names: NULL is allowed. */
const char *names_find(const struct names *names, int32_t modid, int32_t cmdid);

/* names_count - how many there are. */
size_t names_count(const struct names *names);
