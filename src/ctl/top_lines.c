/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ctl/top.h"
#include "lib/clock.h"
#include "lib/address.h"
#include "lib/text.h"
#include "status/health.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

/* Write a line.  What is too long for one is cut: it would wrap, and scroll. */
static void __attribute__((format(printf, 2, 3)))
line_write(char *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, TOP_LINE, format, arguments);
	va_end(arguments);
}

static void
line_instance(const struct top *top, char *text)
{
	const struct status *s = &top->status;
	unsigned down, all;
	char rate[32], clock[CLOCK_TEXT];

	errno = top->error;
	if (top->found != SHM_OK) {
		line_write(text, "instance %s: %s", top->instance,
		    status_reason(top->found));
		return;
	}
	if (!s->running) {
		line_write(text,
		    "instance %s: not running; this is what it left",
		    top->instance);
		return;
	}
	all = health_workers(s, &down);
	line_write(text,
	    "instance %s: %u of %u worker%s running, %s records/s, %s",
	    s->instance, all - down, all, status_s(all),
	    figures_rate(rate, sizeof(rate),
		s->rates[1].per_second[HISTORY_RECEIVED], 8),
	    clock_text(clock, s->now));
}

static void
line_verdict(const struct top *top, char *text)
{
	const struct look_totals *t = &top->look->totals;
	char note[64] = "";

	if (t->truncated)
		snprintf(note, sizeof(note), "; too many to count all");
	else if (t->unread > 0)
		snprintf(note, sizeof(note), "; cannot read %u segment%s",
		    t->unread, status_s(t->unread));
	line_write(text,
	    "%" PRIu64 " overloaded (%" PRIu64 " server%s), %" PRIu64
	    " with errors, %" PRIu64 " silent, %" PRIu64 " late; %" PRIu64
	    " silent caller%s%s",
	    t->by_state[LOOK_OVERLOADED], t->overloaded_servers,
	    status_s(t->overloaded_servers), t->by_state[LOOK_ERRORS],
	    t->by_state[LOOK_SILENT], t->by_state[LOOK_LATE],
	    t->callers_by_age[AGE_SILENT],
	    status_s(t->callers_by_age[AGE_SILENT]), note);
}

/* What is listed. */
static void
line_list(const struct top *top, char *text)
{
	uint64_t id = top->entered[TOP_SERVICES];
	uint64_t of_server = top->entered[TOP_SERVERS];
	int32_t modid = (int32_t)(id >> 32), cmdid = (int32_t)id;
	const char *name = names_find(top->names, modid, cmdid);
	char ip[DOTTED_TEXT], server[48] = "";

	if (top->level == TOP_SERVICES && top->filter.count > 0) {
		line_write(text,
		    "%zu of %" PRIu64 " services, filter %s, by %s", top->count,
		    top->look->totals.services, top->filter.text,
		    look_order_name(top->order));
		return;
	}
	if (top->level == TOP_SERVICES) {
		line_write(text, "%zu service%s, by %s", top->count,
		    status_s(top->count), look_order_name(top->order));
		return;
	}
	if (top->level == TOP_CALLERS)
		snprintf(server, sizeof(server), ", server %s:%u",
		    dotted((uint32_t)(of_server >> 32), ip),
		    (uint16_t)of_server);
	line_write(text, "service %" PRId32 "/%" PRId32 "%s%s%s: %zu %s%s",
	    modid, cmdid, name != NULL ? " " : "", name != NULL ? name : "",
	    server, top->count, top->level == TOP_SERVERS ? "server" : "caller",
	    status_s(top->count));
}

/* A service or a server; so many of all its servers are overloaded, or callers
   call it so. */
static void
line_sum(const struct top *top, struct top_row row, char *text)
{
	const struct look_totals *t = &top->look->totals;
	const struct look_service *service = row.service;
	const struct look_server *server = row.server;
	const struct look_sum *sum =
	    service != NULL ? &service->sum : &server->sum;
	char first[32], ip[DOTTED_TEXT], of[40], since[24] = "-";
	char share[16] = "-", calls[32], reports[32] = "-", age[16];
	const char *name = NULL;
	double errors = look_error_share(sum);
	double rate = look_rate(top->look, sum->rate);
	uint32_t overloaded, all;

	if (service != NULL) {
		snprintf(first, sizeof(first), "%" PRId32 "/%" PRId32,
		    service->modid, service->cmdid);
		name = names_find(top->names, service->modid, service->cmdid);
		overloaded = service->overloaded;
		all = service->servers;
	} else {
		snprintf(first, sizeof(first), "%s:%u", dotted(server->ip, ip),
		    server->port);
		overloaded = server->overloaded_by;
		all = sum->callers;
	}
	int at =
	    snprintf(of, sizeof(of), "%" PRIu32 "/%" PRIu32, overloaded, all);
	if (sum->stale > 0)
		snprintf(
		    of + at, sizeof(of) - (size_t)at, "+%" PRIu32, sum->stale);
	if (sum->since_ms >= 0) {
		uint64_t since_s = (uint64_t)look_age(
		    t->now_ms, (uint64_t)sum->since_ms / 1000);
		at = snprintf(
		    since, sizeof(since), "%s", sum->since_known ? "" : ">");
		figures_age(since + at, sizeof(since) - (size_t)at, since_s);
	}
	if (errors >= 0)
		snprintf(share, sizeof(share), "%.1f", 100 * errors);
	if (rate >= 0)
		figures_rate(reports, sizeof(reports), rate, 6);
	line_write(text, "%-10s %-*s %7s %6s %5s %6s %6s %5s%s%s",
	    look_state_name((enum look_state)sum->state),
	    service != NULL ? 11 : 21, first, of, since, share,
	    figures_count(calls, sizeof(calls), sum->succ + sum->err, 6),
	    reports,
	    figures_age(age, sizeof(age),
		(uint64_t)look_age(t->now_ms, sum->newest_ts)),
	    name != NULL ? " " : "", name != NULL ? name : "");
}

static void
line_caller(const struct top *top, struct top_row row, char *text)
{
	const struct record *call = row.call;
	double calls = (double)call->succ + (double)call->err;
	char ip[DOTTED_TEXT], share[16] = "-", age[16];

	if (calls > 0)
		snprintf(share, sizeof(share), "%.1f",
		    100 * (double)call->err / calls);
	line_write(text, "%-10s %-15s %8s %10" PRIu32 " %10" PRIu32 " %5s %5s",
	    look_age_name(row.age), dotted(call->caller, ip),
	    call->overload ? "yes" : "no", call->succ, call->err, share,
	    figures_age(age, sizeof(age),
		(uint64_t)look_age(top->look->totals.now_ms, record_ts(call))));
}

bool
top_line(const struct top *top, size_t line, char *text)
{
	static const char *const headings[] = {
		[TOP_SERVICES] = "STATE      SERVICE     SERVERS  SINCE  ERR%  "
				 "CALLS  REP/S   AGE NAME",
		[TOP_SERVERS] = "STATE      SERVER                CALLERS  "
				"SINCE  ERR%  CALLS  REP/S   AGE",
		[TOP_CALLERS] = "STATE      CALLER          OVERLOAD       "
				"SUCC        ERR  ERR%   AGE",
	};

	*text = '\0';
	if (line == 0)
		line_instance(top, text);
	else if (line == TOP_HEADING)
		line_write(text, "%s", headings[top->level]);
	else if (line > TOP_HEADING && line - TOP_HEADING > top->count)
		return false;
	else if (top->look == NULL)
		return true;
	else if (line == 1)
		line_verdict(top, text);
	else if (line == 2)
		line_list(top, text);
	else if (top->level == TOP_CALLERS)
		line_caller(top, top_row(top, line - TOP_HEADING - 1), text);
	else
		line_sum(top, top_row(top, line - TOP_HEADING - 1), text);
	return true;
}
