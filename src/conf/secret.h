/* SPDX-License-Identifier: MIT
 *
 * A secret option of the configuration, read only by the process that needs
 * it.  struct settings only has whether it is set: so the master, which reads
 * from the network, has none in its memory.
 */
#pragma once

#include "conf/option.h"

#include <stdio.h>

/* mysql.password, the one OPTION_SECRET. */
struct secret {
	const char *path; /* of the configuration; outlives this */
	char *text;       /* NULL: not set, or not read yet */
};

enum secret_status {
	SECRET_READ,
	SECRET_SHORTAGE, /* of memory or descriptors */
	SECRET_REFUSED   /* invalid, or a file cannot be read */
};

/* secret_read - read the option, with the parser of settings_load().  Errors in
   other options are no failure: a reload would be refused for them, and the
   daemon keeps its configuration.  On failure the old text stays; errors are
   written to `errors` as "file:line: section.name: reason", one a line. */
enum secret_status secret_read(struct secret *secret, FILE *errors);

/* secret_wipe - wipe and free the text. */
void secret_wipe(struct secret *secret);
