/* SPDX-License-Identifier: MIT
 *
 * Loading configurations in tests: files in a folder of the test's own.  One
 * test at a time.
 */
#ifndef CONFIG_FIXTURE_H
#define CONFIG_FIXTURE_H

#include "conf/settings.h"

extern char config_folder[64]; /* of this test */
extern char config_path[96];   /* a.conf in that folder */
extern char *config_errors;    /* of the last load, without the folder's name */

/* config_setup, config_teardown - make the folder, remove it. */
void config_setup(void);
void config_teardown(void);

/* config_put - write a file into the folder. */
void config_put(const char *name, const char *text, size_t length);

/* config_load_path - load a file; NULL: the defaults. */
struct settings *config_load_path(const char *name);

/* config_load - write text into a.conf and load it. */
struct settings *config_load(const char *text);

/* config_right - likewise; the text is right. */
struct settings *config_right(const char *text);

/* config_wrong - the text is wrong, in exactly this way. */
void config_wrong(const char *text, const char *wanted);

/* config_same - for settings_compare(): a difference is a failure.  Where the
   dead-letter file is depends on how reporter was built. */
void config_same(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live);

#endif
