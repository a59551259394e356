/* SPDX-License-Identifier: MIT
 *
 * reporterctl top on a terminal.  Owns the terminal between newterm() and
 * endwin().
 */
#include "config.h"

#include "ctl/ctl.h"
#include "ctl/top.h"
#include "lib/clock.h"

#include <curses.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

/* After curses.h, which it needs. */
#include <term.h>

/* So often in a row no key although there was time: the terminal hung up.  A
   signal does that once. */
#define EARLY_MAX 10

#define LIST_ROW 4 /* where the list begins */

static const char help[] = "q quit  Enter open  Backspace back  f filter  "
			   "by: t trouble e err% a age n no";

struct view {
	struct top *top;
	size_t first;        /* row of the list at the top of the screen */
	size_t selected;     /* row of the list */
	uint64_t row;        /* what stands there: its id */
	const char *message; /* instead of what is listed, or NULL */
};

/* What is too long goes on in the lines below, which are written later. */
static void
put_line(int row, const char *text, attr_t attributes)
{
	move(row, 0);
	clrtoeol();
	attrset(attributes);
	addstr(text);
	attrset(A_NORMAL);
}

static size_t
rows_of_list(void)
{
	return LINES > LIST_ROW + 1 ? (size_t)(LINES - LIST_ROW - 1) : 1;
}

/* Select a row, or the last one; the screen follows. */
static void
select_row(struct view *view, size_t row)
{
	const struct top *top = view->top;

	if (row >= top->count)
		row = top->count > 0 ? top->count - 1 : 0;
	view->selected = row;
	view->row = top->count > 0 ? top_row(top, row).id : 0;
	if (view->first > row)
		view->first = row;
	else if (view->first + rows_of_list() <= row)
		view->first = row - rows_of_list() + 1;
}

/* Select the row in which this stands now, if there is one. */
static void
select_same(struct view *view, uint64_t wanted)
{
	for (size_t i = 0; i < view->top->count; i++) {
		if (top_row(view->top, i).id == wanted) {
			select_row(view, i);
			return;
		}
	}
	select_row(view, view->selected);
}

static void
draw(struct view *view)
{
	const struct top *top = view->top;
	char line[TOP_LINE];

	select_row(view, view->selected); /* the screen may be another */
	for (unsigned i = 0; i <= TOP_HEADING; i++) {
		top_line(top, i, line);
		put_line((int)i,
		    i == 2 && view->message != NULL ? view->message : line,
		    i == TOP_HEADING ? A_REVERSE : A_NORMAL);
	}
	for (size_t i = 0; i < rows_of_list(); i++) {
		size_t row = view->first + i;
		attr_t attributes = A_NORMAL;

		if (top_line(top, LIST_ROW + row, line)) {
			if (top_row(top, row).overloaded)
				attributes |= A_BOLD;
			if (row == view->selected)
				attributes |= A_REVERSE;
		}
		put_line(LIST_ROW + (int)i, line, attributes);
	}
	put_line(LINES - 1, help, A_NORMAL);
	/* For screen readers, which follow the cursor. */
	move(LIST_ROW + (int)(view->selected - view->first), 0);
	refresh();
}

/* Read a line that is typed at the cursor; the list is not updated meanwhile.
   Returns false if Escape leaves it. */
static bool
read_line(char *text, size_t size)
{
	int row, column, key = 0;
	size_t length = 0;

	getyx(stdscr, row, column);
	timeout(-1);
	curs_set(1);
	while (key != '\n' && key != KEY_ENTER && key != '\x1b' && key != ERR) {
		text[length] = '\0';
		mvaddstr(row, column, text);
		clrtoeol();
		key = getch();
		if (key == KEY_BACKSPACE || key == '\b' || key == '\x7f')
			/* All bytes of the last character. */
			while (length > 0 && (text[--length] & 0xc0) == 0x80)
				;
		else if (key >= ' ' && key <= 0xff && length < size - 1)
			text[length++] = (char)key;
	}
	curs_set(0);
	return key != '\x1b' && key != ERR;
}

/* Ask for another filter. */
static void
ask_filter(struct view *view)
{
	static char error[FILTER_ERROR];
	char answer[FILTER_TEXT_MAX + 1] = "";

	put_line(LINES - 1,
	    "7  7/1  10.0.0.0/16  state:silent  err>5  age>60  login; "
	    "nothing: all",
	    A_NORMAL);
	put_line(2, "filter: ", A_BOLD);
	if (!read_line(answer, sizeof(answer)))
		return;
	if (!top_filter(view->top, answer, error)) {
		view->message = error;
		return;
	}
	while (view->top->level != TOP_SERVICES)
		top_leave(view->top);
	top_list(view->top);
	select_row(view, 0);
}

/* Returns whether to look again now. */
static bool
press(struct view *view, int key)
{
	/* A key for each of enum look_order. */
	static const char orders[] = "tervowancksl";
	const char *order = key > 0 && key < 128 ? strchr(orders, key) : NULL;
	struct top *top = view->top;
	size_t row = view->selected, page = rows_of_list();

	view->message = NULL;
	if (order != NULL) {
		top->order = (enum look_order)(order - orders);
		top_list(top);
		select_row(view, 0);
		return false;
	}
	switch (key) {
	case 'f':
	case '/':
		ask_filter(view);
		break;
	case KEY_DOWN:
		select_row(view, row + 1);
		break;
	case KEY_UP:
		select_row(view, row - (row > 0));
		break;
	case KEY_NPAGE:
		select_row(view, row + page);
		break;
	case KEY_PPAGE:
		select_row(view, row - (row < page ? row : page));
		break;
	case '\n':
	case KEY_ENTER:
		if (row < top->count && top->level != TOP_CALLERS) {
			top_enter(top, row);
			select_row(view, 0);
		}
		break;
	case KEY_BACKSPACE:
	case '\b':
	case 127: /* DEL */
		if (top->level != TOP_SERVICES)
			select_same(view, top_leave(top));
		break;
	}
	return key == ' ';
}

/* Run until the user quits, or the terminal is gone. */
static void
screen_loop(struct view *view)
{
	uint64_t due = 0;
	int early = 0;

	while (early < EARLY_MAX) {
		uint64_t now = monotonic_ms();

		if (now >= due) {
			top_refresh(view->top);
			/* The selected row keeps what it shows, except the
			   first: it stays at the top. */
			if (view->selected == 0)
				select_row(view, 0);
			else
				select_same(view, view->row);
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

	setlocale(LC_CTYPE, "");
	SCREEN *screen = has_screen() ? newterm(NULL, stdout, stdin) : NULL;

	if (screen == NULL)
		return false;
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(100); /* Escape is a key here, too */
	curs_set(0);
	ctl_screen_end = endwin;
	screen_loop(&view);
	ctl_screen_end = NULL;
	endwin();
	delscreen(screen);
	return true;
}
