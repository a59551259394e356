/* SPDX-License-Identifier: MIT
 *
 * reporterctl top: the services of an instance, the most important first.  On a
 * terminal and with ncurses it is a screen (top_screen.c), else a plain list.
 */
#include "config.h"

#include "ctl/ctl.h"
#include "ctl/top.h"
#include "lib/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_MS 2000
#define INTERVAL_MAX 3600 /* seconds */
#define LISTS_MAX 1000000

/* ------------------------------------------------------------- the rows --- */

void
top_free(struct top *top)
{
	look_free(top->look);
	free(top->places);
	free(top->calls);
	top->look = NULL;
	top->places = NULL;
	top->calls = NULL;
	top->count = 0;
}

void
top_refresh(struct top *top)
{
	struct names *names = ctl_names(top->names, true);
	struct look *look = NULL;

	if (names != NULL && names != top->names) {
		names_free(top->names);
		top->names = names;
	}
	top->found = look_new(
	    &look, top->instance, top->look, &ctl_limits, realtime_ms());
	if (top->found == SHM_OK)
		top->found = status_collect(&top->status, top->instance);
	top->error = errno;
	top_free(top);
	if (top->found != SHM_OK) {
		look_free(look);
		return;
	}
	top->look = look;
	top_list(top);
}

bool
top_filter(struct top *top, const char *text, char *error)
{
	static struct filter tried;

	return filter_parse(&tried, text, error, FILTER_ERROR) &&
	       filter_parse(&top->filter, text, error, FILTER_ERROR);
}

static bool
match(void *arg, const struct look_service *service)
{
	const struct top *top = arg;

	return filter_match(&top->filter, top->look, top->names, service);
}

static enum look_age
age_of(const struct top *top, const struct record *call)
{
	const struct look_totals *totals = &top->look->totals;

	return look_age_of(&totals->limits, totals->now_ms, record_ts(call));
}

/* Fresh ones first, of these those with overload, then by errors. */
static int
call_compare(const void *a, const void *b, void *arg)
{
	const struct record *x = &((const struct scan_key *)a)->record;
	const struct record *y = &((const struct scan_key *)b)->record;
	enum look_age of_x = age_of(arg, x), of_y = age_of(arg, y);

	if (of_x != of_y)
		return of_x < of_y ? -1 : 1;
	if (x->overload != y->overload)
		return y->overload - x->overload;
	if (x->err != y->err)
		return x->err > y->err ? -1 : 1;
	return (x->caller > y->caller) - (x->caller < y->caller);
}

void
top_list(struct top *top)
{
	uint64_t of_service = top->entered[TOP_SERVICES];
	uint64_t of_server = top->entered[TOP_SERVERS];

	free(top->places);
	free(top->calls);
	top->places = NULL;
	top->calls = NULL;
	top->service = NULL;
	top->server = NULL;
	top->count = 0;
	if (top->look == NULL)
		return;
	if (top->level != TOP_SERVICES)
		top->service = look_find(top->look, (int32_t)(of_service >> 32),
		    (int32_t)of_service);
	if (top->level == TOP_CALLERS && top->service != NULL)
		top->server = look_find_server(top->look, top->service,
		    (uint32_t)(of_server >> 32), (uint16_t)of_server);
	if (top->level == TOP_SERVICES) {
		top->places =
		    look_sort(top->look, top->order, match, top, &top->count);
	} else if (top->server != NULL) {
		uint32_t keys = top->server->keys;

		top->calls = calloc(keys, sizeof(*top->calls));
		if (top->calls == NULL)
			return;
		top->count = look_keys(
		    top->look, top->instance, top->server, top->calls, keys);
		qsort_r(top->calls, top->count, sizeof(*top->calls),
		    call_compare, top);
	} else if (top->level == TOP_SERVERS && top->service != NULL) {
		top->places = look_sort_servers(top->look, top->service);
		top->count = top->service->all_servers;
	}
	if (top->places == NULL && top->calls == NULL)
		top->count = 0;
}

static uint64_t
two(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

struct top_row
top_row(const struct top *top, size_t at)
{
	struct top_row row = { .id = 0 };

	if (top->level == TOP_SERVICES) {
		row.service = &top->look->services[top->places[at]];
		row.id = two(
		    (uint32_t)row.service->modid, (uint32_t)row.service->cmdid);
		row.overloaded = row.service->sum.state == LOOK_OVERLOADED;
	} else if (top->level == TOP_SERVERS) {
		row.server =
		    top->look->servers + top->service->first + top->places[at];
		row.id = two(row.server->ip, row.server->port);
		row.overloaded = row.server->sum.state == LOOK_OVERLOADED;
	} else {
		row.call = &top->calls[at].record;
		row.id = row.call->caller;
		row.age = age_of(top, row.call);
		row.overloaded = row.call->overload && row.age == AGE_FRESH;
	}
	return row;
}

void
top_enter(struct top *top, size_t row)
{
	top->entered[top->level] = top_row(top, row).id;
	top->level++;
	top_list(top);
}

uint64_t
top_leave(struct top *top)
{
	top->level--;
	top_list(top);
	return top->entered[top->level];
}

/* --------------------------------------------------------- command line --- */

static bool
interval_read(long *interval_ms, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end != text && *end == '\0' && seconds >= 0.1 &&
	    seconds <= INTERVAL_MAX) {
		*interval_ms = (long)(seconds * 1000);
		return true;
	}
	fprintf(stderr,
	    "reporterctl: -d: found \"%s\", expected seconds from 0.1 to %d\n",
	    text, INTERVAL_MAX);
	return false;
}

static bool
options_read(struct top *top, int argc, char **argv)
{
	char error[FILTER_ERROR];
	bool valid = true;
	int option;

	while (valid && (option = getopt(argc, argv, "bd:f:n:s:")) != -1) {
		switch (option) {
		case 'd':
			valid = interval_read(&top->interval_ms, optarg);
			break;
		case 'f':
			valid = top_filter(top, optarg, error);
			if (!valid)
				fprintf(stderr, "reporterctl: -f: %s\n", error);
			break;
		case 's':
			top->order = look_order_find(optarg);
			valid = top->order != LOOK_ORDERS;
			if (!valid)
				fprintf(stderr,
				    "reporterctl: -s: found \"%s\", "
				    "expected " LOOK_ORDER_NAMES "\n",
				    optarg);
			break;
		case 'n':
			valid =
			    ctl_number("-n", optarg, 1, LISTS_MAX, &top->lists);
			top->plain = true;
			break;
		default:
			valid = option == 'b';
			top->plain = true;
		}
	}
	return valid && optind == argc;
}

/* Print lists, each after an interval, so that the first has rates, too. */
static int
top_plain(struct top *top)
{
	const struct timespec nap = {
		.tv_sec = top->interval_ms / 1000,
		.tv_nsec = top->interval_ms % 1000 * 1000000,
	};
	char text[TOP_LINE];

	top_refresh(top);
	for (long i = 0; i < top->lists; i++) {
		nanosleep(&nap, NULL);
		top_refresh(top);
		if (top->found != SHM_OK) {
			errno = top->error;
			return ctl_unreadable(top->instance, top->found);
		}
		if (i > 0)
			putchar('\n');
		for (size_t line = 0; top_line(top, line, text); line++)
			puts(text);
		if (ctl_output() != CTL_OK)
			return CTL_ERROR;
	}
	return CTL_OK;
}

int
ctl_top(const char *instance, int argc, char **argv)
{
	static struct top top = { .interval_ms = INTERVAL_MS, .lists = 1 };
	int status;

	top.instance = instance;
	if (!options_read(&top, argc, argv))
		return ctl_usage(*argv);
	top.names = ctl_names(NULL, false);
	if (!top.plain && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	    top_screen(&top))
		status = CTL_OK;
	else
		status = top_plain(&top);
	top_free(&top);
	names_free(top.names);
	return status;
}
