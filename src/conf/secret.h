/* SPDX-License-Identifier: MIT
 *
 * A secret option of the configuration, read by the process that needs it and
 * by no other.  struct settings only says that one is given: so the master,
 * which agents talk to, has none in its memory.
 */
#ifndef REPORTER_SECRET_H
#define REPORTER_SECRET_H

#include "conf/option.h"

#include <stdio.h>

struct secret {
	const char *path; /* of the configuration */
	const struct conf_option *option;
	char *text; /* NULL: the configuration gives none */
};

enum secret_status {
	SECRET_READ,
	SECRET_SHORTAGE, /* of memory or descriptors, just now */
	SECRET_REFUSED   /* it is wrong, or what it may stand in unreadable */
};

/* secret_init - where the option SECTION.NAME, an OPTION_SECRET, is read
   from.  Nothing is read yet.  path belongs to the caller, and stays. */
void secret_init(struct secret *secret, const char *path, const char *section,
    const char *name);

/*
 * secret_read - read the option, with the parser of settings_load().  What is
 * wrong with other options is no failure: a reload would be refused for it, and
 * all go on with what they have.  On failure the text of before stays; errors
 * are written to `errors` as "file:line: section.name: reason", one a line.
 */
enum secret_status secret_read(struct secret *secret, FILE *errors);

/* secret_wipe - forget the text. */
void secret_wipe(struct secret *secret);

#endif
