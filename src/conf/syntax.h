/* SPDX-License-Identifier: MIT
 *
 * The form of an option's text, or of each word of a list.  Functions of type
 * option_check: see option.h.
 */
#ifndef REPORTER_SYNTAX_H
#define REPORTER_SYNTAX_H

const char *syntax_any(const char *word);
const char *syntax_instance(const char *word);
const char *syntax_listen(const char *word);
const char *syntax_host(const char *word);
const char *syntax_allow(const char *word);
const char *syntax_user(const char *word);
const char *syntax_group(const char *word);
const char *syntax_path(const char *word);
const char *syntax_log_target(const char *word);
const char *syntax_table(const char *word);

#endif
