/* SPDX-License-Identifier: MIT
 *
 * The form of an option's text, or of each word of a list.  Pure functions of
 * type option_check (option.h): they return whether the word is right, and
 * write the fault to reason.
 */
#ifndef REPORTER_SYNTAX_H
#define REPORTER_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

bool syntax_any(const char *word, char *reason, size_t size);
bool syntax_instance(const char *word, char *reason, size_t size);
bool syntax_listen(const char *word, char *reason, size_t size);
bool syntax_host(const char *word, char *reason, size_t size);
bool syntax_allow(const char *word, char *reason, size_t size);
bool syntax_user(const char *word, char *reason, size_t size);
bool syntax_group(const char *word, char *reason, size_t size);
bool syntax_path(const char *word, char *reason, size_t size);
bool syntax_log_target(const char *word, char *reason, size_t size);
bool syntax_table(const char *word, char *reason, size_t size);

#endif
