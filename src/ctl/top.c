/* SPDX-License-Identifier: MIT
 *
 * reporterctl top: the services of an instance, the most important first.  On a
 * terminal and with ncurses it is a screen (top_screen.c), else a plain list.
 */
#include "config.h"

#include "ctl/ctl.h"
#include "ctl/top.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_MS 2000
#define INTERVAL_MAX 3600 /* seconds */
#define LISTS_MAX 1000000

struct top_output {
	bool plain;
	long lists; /* to be printed, if plain */
};

static bool
order_read(enum look_order *order, const char *text)
{
	*order = look_order_find(text);
	if (*order != LOOK_ORDERS)
		return true;
	fprintf(stderr, "reporterctl: -s: found \"%s\", expected ", text);
	for (int i = 0; i < LOOK_ORDERS; i++)
		fprintf(stderr, "%s%s", look_order_name((enum look_order)i),
		    i + 2 < LOOK_ORDERS   ? ", "
		    : i + 1 < LOOK_ORDERS ? " or "
					  : "\n");
	return false;
}

static bool
filter_read(struct top *top, const char *text)
{
	char error[FILTER_ERROR];

	if (top_filter(top, text, error))
		return true;
	fprintf(stderr, "reporterctl: -f: %s\n", error);
	return false;
}

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
options_read(struct top *top, struct top_output *output, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "bd:f:n:s:")) != -1)
		if (option == 'b')
			output->plain = true;
		else if (option == 'd' &&
			 interval_read(&top->interval_ms, optarg))
			continue;
		else if (option == 'n' &&
			 ctl_number("-n", optarg, 1, LISTS_MAX, &output->lists))
			output->plain = true;
		else if (option == 's' && order_read(&top->order, optarg))
			continue;
		else if (option == 'f' && filter_read(top, optarg))
			continue;
		else
			return false;
	return optind == argc;
}

static void
list_print(const struct top *top)
{
	char line[TOP_LINE];

	for (size_t i = 0; top_line(top, i, line); i++)
		puts(line);
}

/* Print lists, each after an interval, so that the first has rates, too. */
static int
top_plain(struct top *top, long lists)
{
	const struct timespec nap = {
		.tv_sec = top->interval_ms / 1000,
		.tv_nsec = top->interval_ms % 1000 * 1000000,
	};

	top_refresh(top);
	for (long i = 0; i < lists; i++) {
		nanosleep(&nap, NULL);
		top_refresh(top);
		if (top->found != SHM_OK) {
			errno = top->error;
			return ctl_unreadable(top->instance, top->found);
		}
		if (i > 0)
			putchar('\n');
		list_print(top);
		if (ctl_output() != CTL_OK)
			return CTL_ERROR;
	}
	return CTL_OK;
}

int
ctl_top(const char *instance, int argc, char **argv)
{
	static struct top top;
	struct top_output output = { .lists = 1 };
	int status;

	top.instance = instance;
	top.interval_ms = INTERVAL_MS;
	if (!options_read(&top, &output, argc, argv))
		return ctl_usage(*argv);
	top.names = ctl_names(NULL, false);
	if (!output.plain && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	    top_screen(&top))
		status = CTL_OK;
	else
		status = top_plain(&top, output.lists);
	top_free(&top);
	names_free(top.names);
	return status;
}
