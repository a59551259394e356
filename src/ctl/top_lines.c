/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ctl/top.h"
#include "lib/clock.h"
#include "lib/figures.h"
#include "status/health.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

void
top_refresh(struct top *top)
{
	top->found = services_scan(top->services, top->instance, &top->filter,
	    top->order, monotonic_ms(), &top->result);
	if (top->found == SHM_OK)
		top->found = status_collect(&top->status, top->instance);
	top->error = errno;
	if (top->found != SHM_OK)
		memset(&top->result, 0, sizeof(top->result));
}

bool
top_filter(struct keys_filter *filter, const char *text)
{
	struct keys_filter read = { .has_modid = *text != '\0' };
	size_t length = strcspn(text, "/");
	char modid[16];

	if (!read.has_modid) {
		*filter = read;
		return true;
	}
	if (length >= sizeof(modid))
		return false;
	memcpy(modid, text, length);
	modid[length] = '\0';
	read.has_cmdid = text[length] == '/';
	if (!keys_number(modid, &read.modid) ||
	    (read.has_cmdid && !keys_number(text + length + 1, &read.cmdid)))
		return false;
	*filter = read;
	return true;
}

/* Write a line.  What is too long for one is cut: it would wrap, and scroll. */
static void __attribute__((format(printf, 2, 3)))
line_write(char *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, TOP_LINE, format, arguments);
	va_end(arguments);
}

/* An instance that does not run or cannot be read. */
static void
line_of_none(const struct top *top, char *text)
{
	errno = top->error;
	if (top->found == SHM_OK)
		line_write(text,
		    "instance %s: not running; this is what it left",
		    top->instance);
	else
		line_write(text, "instance %s: %s", top->instance,
		    status_reason(top->found));
}

static void
line_instance(const struct top *top, char *text)
{
	const struct status *s = &top->status;
	unsigned down, all;
	char rate[32], clock[16];
	time_t now = (time_t)s->now;
	struct tm tm;

	if (top->found != SHM_OK || !s->running) {
		line_of_none(top, text);
		return;
	}
	all = health_workers(s, &down);
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &tm));
	line_write(text,
	    "instance %s: %u of %u worker%s running, %s records/s, %s",
	    s->instance, all - down, all, status_s(all),
	    figures_rate(rate, sizeof(rate),
		s->rates[0].per_second[HISTORY_RECEIVED], 8),
	    clock);
}

static const char *
filter_text(const struct keys_filter *filter, char *text, size_t size)
{
	if (!filter->has_modid)
		snprintf(text, size, "all");
	else if (!filter->has_cmdid)
		snprintf(text, size, "%" PRId32, filter->modid);
	else
		snprintf(text, size, "%" PRId32 "/%" PRId32, filter->modid,
		    filter->cmdid);
	return text;
}

static void
line_services(const struct top *top, char *text)
{
	char filter[32], keys[32], dirty[32], beyond[32];
	int at = snprintf(text, TOP_LINE,
	    "services %s: %u with %s keys, %s dirty; by %s",
	    filter_text(&top->filter, filter, sizeof(filter)),
	    top->result.count,
	    figures_count(keys, sizeof(keys), top->result.keys, 6),
	    figures_count(dirty, sizeof(dirty), top->result.dirty, 6),
	    services_order_name(top->order));

	if (at < TOP_LINE && top->result.beyond > 0)
		snprintf(text + at, (size_t)(TOP_LINE - at),
		    "; %s keys of others",
		    figures_count(
			beyond, sizeof(beyond), top->result.beyond, 6));
	else if (at < TOP_LINE && top->result.cut)
		snprintf(text + at, (size_t)(TOP_LINE - at),
		    "; too many to count all");
	else if (at < TOP_LINE && top->result.unread > 0)
		snprintf(text + at, (size_t)(TOP_LINE - at),
		    "; cannot read %u segment%s", top->result.unread,
		    status_s(top->result.unread));
}

static void
line_service(const struct top *top, const struct service *service, char *text)
{
	char keys[32], succ[32], err[32], overloaded[32];
	char reports[32] = "-", records[32] = "-";
	char age[16], share[16] = "-";
	double calls = (double)service->succ + (double)service->err;
	double seconds = top->result.seconds;

	if (seconds > 0) {
		figures_rate(reports, sizeof(reports),
		    (double)service->reports / seconds, 7);
		figures_rate(records, sizeof(records),
		    (double)service->puts / seconds, 7);
	}
	if (calls > 0)
		snprintf(share, sizeof(share), "%.1f",
		    100 * (double)service->err / calls);
	line_write(text,
	    "%11" PRId32 " %11" PRId32 " %6s %7s %7s %7s %7s %5s %5s %4s",
	    service->modid, service->cmdid,
	    figures_count(keys, sizeof(keys), service->keys, 6), reports,
	    records, figures_count(succ, sizeof(succ), service->succ, 7),
	    figures_count(err, sizeof(err), service->err, 7), share,
	    figures_count(
		overloaded, sizeof(overloaded), service->overloaded, 5),
	    figures_age(age, sizeof(age),
		status_since(&top->status, service->newest_ts)));
}

bool
top_line(const struct top *top, unsigned line, char *text)
{
	if (line == 0)
		line_instance(top, text);
	else if (line == 1)
		line_services(top, text);
	else if (line == TOP_HEADING)
		line_write(text, "%11s %11s %6s %7s %7s %7s %7s %5s %5s %4s",
		    "MODID", "CMDID", "KEYS", "REP/S", "REC/S", "SUCC", "ERR",
		    "ERR%", "OVERL", "AGE");
	else if (line - TOP_HEADING <= top->result.count)
		line_service(
		    top, &top->result.list[line - TOP_HEADING - 1], text);
	else
		return false;
	return true;
}
