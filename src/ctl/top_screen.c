/* SPDX-License-Identifier: MIT
 *
 * reporterctl top on a terminal.  Owns the terminal between newterm() and
 * endwin().
 */
#include "config.h"

#include "ctl/top.h"
#include "lib/clock.h"

#include <curses.h>
#include <unistd.h>

/* After curses.h, which it needs. */
#include <term.h>

/* So often in a row no key although there was time: the terminal hung up.  A
   signal does that once. */
#define EARLY_MAX 10

#define LIST_ROW 4 /* where the list begins */

static const char help[] = "q quit  f filter  by: o overl  e err  r rep/s  "
			   "c rec/s  k keys  s succ  n modid";

struct view {
	struct top *top;
	unsigned first;      /* service in the first row */
	const char *message; /* in the row above the heading, or NULL */
};

static void
put_line(int row, const char *text, attr_t attributes)
{
	move(row, 0);
	clrtoeol();
	attrset(attributes);
	addnstr(text, COLS);
	attrset(A_NORMAL);
}

static unsigned
rows_of_list(void)
{
	return LINES > LIST_ROW + 1 ? (unsigned)(LINES - LIST_ROW - 1) : 0;
}

static void
draw(struct view *view)
{
	const struct services_result *result = &view->top->result;
	char line[TOP_LINE];

	if (view->first >= result->count)
		view->first = result->count > 0 ? result->count - 1 : 0;
	for (unsigned i = 0; i < 2; i++) {
		top_line(view->top, i, line);
		put_line((int)i, line, A_NORMAL);
	}
	put_line(2, view->message != NULL ? view->message : "", A_BOLD);
	top_line(view->top, TOP_HEADING, line);
	put_line(3, line, A_REVERSE);
	for (unsigned i = 0; i < rows_of_list(); i++) {
		unsigned at = view->first + i;
		bool any = top_line(view->top, TOP_HEADING + 1 + at, line);

		put_line(LIST_ROW + (int)i, any ? line : "",
		    any && result->list[at].overloaded > 0 ? A_BOLD : A_NORMAL);
	}
	put_line(LINES - 1, help, A_NORMAL);
	move(2, 0);
	refresh();
}

/* Ask for another filter; the list is not updated meanwhile. */
static void
ask_filter(struct view *view)
{
	char answer[32] = "";

	put_line(2, "filter (MODID or MODID/CMDID, nothing for all): ", A_BOLD);
	timeout(-1);
	echo();
	curs_set(1);
	getnstr(answer, sizeof(answer) - 1);
	curs_set(0);
	noecho();
	view->message = NULL;
	view->first = 0;
	if (!top_filter(&view->top->filter, answer))
		view->message = "invalid filter: expected MODID or MODID/CMDID";
}

static void
scroll_by(struct view *view, int rows)
{
	unsigned count = view->top->result.count;

	if (rows < 0)
		view->first -= view->first < (unsigned)-rows ? view->first
							     : (unsigned)-rows;
	else if (view->first + (unsigned)rows < count)
		view->first += (unsigned)rows;
}

/* Returns whether the tables are to be scanned again now. */
static bool
press(struct view *view, int key)
{
	/* A key for each of enum services_order. */
	static const char orders[] = "oercksn";
	const char *order = key > 0 && key < 128 ? strchr(orders, key) : NULL;

	view->message = NULL;
	if (order != NULL) {
		view->top->order = (enum services_order)(order - orders);
		view->first = 0;
		return true;
	}
	switch (key) {
	case 'f':
	case '/':
		ask_filter(view);
		return true;
	case ' ':
		return true;
	case KEY_DOWN:
		scroll_by(view, 1);
		break;
	case KEY_UP:
		scroll_by(view, -1);
		break;
	case KEY_NPAGE:
		scroll_by(view, (int)rows_of_list());
		break;
	case KEY_PPAGE:
		scroll_by(view, -(int)rows_of_list());
		break;
	}
	return false;
}

/* Until the user quits, or the terminal is gone. */
static void
screen_loop(struct view *view)
{
	uint64_t due = 0;
	int early = 0;

	while (early < EARLY_MAX) {
		uint64_t now = monotonic_ms();

		if (now >= due) {
			top_refresh(view->top);
			due = now + (uint64_t)view->top->interval_ms;
		}
		draw(view);
		now = monotonic_ms();
		timeout(due > now ? (int)(due - now) : 0);
		int key = getch();
		if (key == 'q' || key == 'Q')
			return;
		if (key == ERR && monotonic_ms() + 50 < due)
			early++;
		else
			early = 0;
		if (key != ERR && press(view, key))
			due = 0;
	}
}

/* Whether the cursor can be moved on this terminal. */
static bool
has_screen(void)
{
	static char capability[] = "cup";
	int error;

	if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return false;
	const char *move_cursor = tigetstr(capability);
	bool has = move_cursor != NULL && move_cursor != (char *)-1;
	del_curterm(cur_term);
	return has;
}

bool
top_screen(struct top *top)
{
	struct view view = { .top = top };
	SCREEN *screen = has_screen() ? newterm(NULL, stdout, stdin) : NULL;

	if (screen == NULL)
		return false;
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	screen_loop(&view);
	endwin();
	delscreen(screen);
	return true;
}
