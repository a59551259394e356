/* SPDX-License-Identifier: MIT
 *
 * Loading configurations in tests: files in a directory of the test.  One test
 * at a time.
 */
#pragma once

#include "conf/settings.h"

extern char config_directory[64]; /* of this test */
extern char config_path[96];      /* a.conf in that directory */
extern char *config_errors; /* of the last load, without the directory's name */

/* config_setup, config_teardown - create and remove the directory. */
void config_setup(void);
void config_teardown(void);

/* config_put - write a file into the directory. */
void config_put(const char *name, const char *text, size_t length);

/* config_load_path - load a file; NULL: the defaults. */
struct settings *config_load_path(const char *name);

/* config_load - write text into a.conf and load it. */
struct settings *config_load(const char *text);

/* config_valid - likewise; the text must be valid. */
struct settings *config_valid(const char *text);

/* config_invalid - the text must be invalid, with exactly these errors. */
void config_invalid(const char *text, const char *wanted);

/* config_same - for settings_compare(): a difference is a failure.  Where the
   dead-letter file is depends on how reporter was built. */
void config_same(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live);
