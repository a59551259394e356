/* SPDX-License-Identifier: MIT
 *
 * Values of options: from text into a struct settings and back.  Any process,
 * any thread.
 */
#pragma once

#include "conf/option.h"

#define VALUE_REASON_MAX 512  /* bytes of a reason, with the 0 */
#define VALUE_EXPECTS_MAX 160 /* bytes of what an option expects */

/* value_expects - write the values that an option takes into `text` (size
   bytes), as in "a time from 1ms to 1h, default unit ms". */
void value_expects(const struct conf_option *option, char *text, size_t size);

/* value_parse - parse text, as it is in a file, and replace the value in
   settings.  On failure settings keep the old value, and reason
   (VALUE_REASON_MAX bytes) has the fault and what was expected. */
bool value_parse(const struct conf_option *option, struct settings *settings,
    const char *text, char *reason);

/* value_text - the text of an OPTION_TEXT or OPTION_SECRET without its quotes,
   checked as value_parse() does, which of a secret keeps only whether it is
   set.  Returns memory of the caller's, for wipe_text(), or NULL with the
   reason. */
char *value_text(
    const struct conf_option *option, const char *text, char *reason);

/* value_format - the value as text that value_parse() takes.  A secret comes
   as "(hidden)", or as "" when it is not set.
   Returns memory of the caller's, or NULL when memory is short. */
char *value_format(
    const struct conf_option *option, const struct settings *settings);

/* value_free - free what the value owns. */
void value_free(const struct conf_option *option, struct settings *settings);
