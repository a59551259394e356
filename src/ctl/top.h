/* SPDX-License-Identifier: MIT
 *
 * reporterctl top: what the plain list and the screen share.
 */
#pragma once

#include "status/services.h"
#include "status/status.h"

#define TOP_COLUMNS 80
#define TOP_LINE (TOP_COLUMNS + 1) /* bytes of a line, with its 0 */

struct top {
	const char *instance;
	struct services *services;
	struct keys_filter filter;
	enum services_order order;
	long interval_ms;
	enum shm_status found; /* of the last scan, and its errno */
	int error;
	struct services_result result;
	struct status status;
};

/* top_refresh - scan again. */
void top_refresh(struct top *top);

/* top_filter - read "", "MODID" or "MODID/CMDID".  Returns false, and leaves
   the filter as it was, for anything else. */
bool top_filter(struct keys_filter *filter, const char *text);

#define TOP_HEADING 2 /* the line above the list */

/* top_line - a line of it: from 0 on instance, services, heading and the list.
   text: TOP_LINE bytes.  Returns false after the last one. */
bool top_line(const struct top *top, unsigned line, char *text);

/* top_screen - show it on the terminal until the user quits.  Returns false at
   once if the terminal cannot show a screen, or without ncurses. */
#ifdef HAVE_NCURSES
bool top_screen(struct top *top);
#else
#define top_screen(top) false
#endif
