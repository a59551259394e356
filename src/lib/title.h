/* SPDX-License-Identifier: MIT
 *
 * Process titles, as `ps` shows them: "reporter: worker 3".
 */
#ifndef REPORTER_TITLE_H
#define REPORTER_TITLE_H

/* title_init - remember where the title can be written.  Call it once, first
   of all, with main()'s own arguments. */
void title_init(int argc, char **argv);

/* title_set - set the role, truncated to the room there is. */
void title_set(const char *role);

#endif
