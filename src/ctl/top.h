/* SPDX-License-Identifier: MIT
 *
 * reporterctl top: what the plain list and the screen share.
 */
#pragma once

#include "status/filter.h"
#include "status/status.h"

#define TOP_LINE 256  /* bytes that a line needs at most, with its 0 */
#define TOP_HEADING 3 /* number of the line above the list */

/* What is listed: services, servers of one, or callers of one of these. */
enum top_level {
	TOP_SERVICES,
	TOP_SERVERS,
	TOP_CALLERS
};

struct top {
	const char *instance;
	long interval_ms;
	bool plain; /* no screen, but so many lists */
	long lists;
	enum look_order order;
	struct filter filter;
	struct names *names;
	enum shm_status found; /* of the last look, and its errno */
	int error;
	struct look *look; /* NULL: the instance cannot be read */
	struct status status;
	enum top_level level;
	uint64_t entered[TOP_CALLERS]; /* the row of each level above */
	/* What was entered, NULL: it is not in this look. */
	const struct look_service *service;
	const struct look_server *server;
	size_t count;           /* of the rows: */
	uint32_t *places;       /* of the look's services or its servers */
	struct scan_key *calls; /* of TOP_CALLERS */
};

/* top_refresh - make a new look, and list it. */
void top_refresh(struct top *top);

/* top_list - list the same look after a change of order, filter or level. */
void top_list(struct top *top);

/* top_filter - set a filter.  Returns false, and leaves the filter as it was,
   with a text of up to FILTER_ERROR bytes in `error`. */
bool top_filter(struct top *top, const char *text, char *error);

/* What a row shows at this level, and what identifies it there: two numbers of
   32 bits. */
struct top_row {
	uint64_t id;
	bool overloaded; /* to be shown in bold */
	const struct look_service *service;
	const struct look_server *server;
	const struct record *call;
	enum look_age age; /* of the call */
};

/* top_row - a row, 0 to count - 1. */
struct top_row top_row(const struct top *top, size_t row);

/* top_enter - list the row's servers, if it is a service, or its callers. */
void top_enter(struct top *top, size_t row);

/* top_leave - list what was before top_enter().  Returns the id of the row that
   was entered. */
uint64_t top_leave(struct top *top);

/* top_free - free the look and the rows. */
void top_free(struct top *top);

/* top_line - a line: from 0 on the instance, the verdict, what is listed, the
   heading and the list.  text: TOP_LINE bytes.  Returns false at the end. */
bool top_line(const struct top *top, size_t line, char *text);

/* top_screen - show the list on the terminal until the user quits.  Returns
   false at once if the terminal cannot show a screen, or without ncurses. */
#ifdef HAVE_NCURSES
bool top_screen(struct top *top);
#else
#define top_screen(top) false
#endif
