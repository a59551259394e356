/* SPDX-License-Identifier: MIT
 *
 * Errors about unknown names, with the name that may be meant: one that is
 * the same but for two typing errors, or is known in another section.
 */
#pragma once

#define SUGGEST_MAX 160 /* bytes of a text, with the 0 */

/* suggest_option - as in "unknown option; did you mean port?".  section: "" is
   outside a section. */
void suggest_option(
    char text[SUGGEST_MAX], const char *section, const char *name);

/* suggest_section - as in "unknown section; did you mean [log]?". */
void suggest_section(char text[SUGGEST_MAX], const char *name);
