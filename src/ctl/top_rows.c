/* SPDX-License-Identifier: MIT
 *
 * reporterctl top: what is listed, and the way from services to servers to
 * callers.
 */
#include "config.h"

#include "ctl/ctl.h"
#include "ctl/top.h"
#include "lib/clock.h"

#include <errno.h>
#include <stdlib.h>

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
	    &look, top->instance, top->look, ctl_limits(), realtime_ms());
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
age_of(const struct top *top, const struct look_key *call)
{
	const struct look_totals *totals = &top->look->totals;

	return look_age_of(&totals->limits, totals->now_ms, call->ts);
}

enum look_age
top_call_age(const struct top *top, size_t row)
{
	return age_of(top, &top->calls[row]);
}

/* Fresh ones first, of these those with overload, then by errors. */
static int
call_compare(const void *a, const void *b, void *arg)
{
	const struct look_key *x = a, *y = b;
	enum look_age of_x = age_of(arg, x), of_y = age_of(arg, y);

	if (of_x != of_y)
		return of_x < of_y ? -1 : 1;
	if (x->overload != y->overload)
		return y->overload - x->overload;
	if (x->err != y->err)
		return x->err > y->err ? -1 : 1;
	return (x->caller > y->caller) - (x->caller < y->caller);
}

static void
list_callers(struct top *top, const struct look_server *server)
{
	top->calls = calloc(server->keys, sizeof(*top->calls));
	if (top->calls == NULL)
		return;
	top->count = look_keys(
	    top->look, top->instance, server, top->calls, server->keys);
	qsort_r(top->calls, top->count, sizeof(*top->calls), call_compare, top);
}

void
top_list(struct top *top)
{
	const struct look_service *service = NULL;
	const struct look_server *server = NULL;

	free(top->places);
	free(top->calls);
	top->places = NULL;
	top->calls = NULL;
	top->count = 0;
	if (top->look == NULL)
		return;
	if (top->level != TOP_SERVICES)
		service = look_find(top->look, top->modid, top->cmdid);
	if (top->level == TOP_CALLERS && service != NULL)
		server =
		    look_find_server(top->look, service, top->ip, top->port);
	if (top->level == TOP_SERVICES) {
		top->places =
		    look_sort(top->look, top->order, match, top, &top->count);
	} else if (top->level == TOP_SERVERS && service != NULL) {
		top->places = look_sort_servers(top->look, service);
		top->count = service->all_servers;
	} else if (server != NULL) {
		list_callers(top, server);
	}
	if (top->places == NULL && top->calls == NULL)
		top->count = 0;
}

const struct look_service *
top_service(const struct top *top, size_t row)
{
	return &top->look->services[top->places[row]];
}

const struct look_server *
top_server(const struct top *top, size_t row)
{
	return top->look->servers +
	       look_find(top->look, top->modid, top->cmdid)->first +
	       top->places[row];
}

static uint64_t
two(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

uint64_t
top_row(const struct top *top, size_t row)
{
	if (top->level == TOP_CALLERS)
		return top->calls[row].caller;
	if (top->level == TOP_SERVERS) {
		const struct look_server *server = top_server(top, row);

		return two(server->ip, server->port);
	}
	const struct look_service *service = top_service(top, row);
	return two((uint32_t)service->modid, (uint32_t)service->cmdid);
}

bool
top_row_overloaded(const struct top *top, size_t row)
{
	if (top->level == TOP_CALLERS)
		return top->calls[row].overload &&
		       top_call_age(top, row) == AGE_FRESH;
	return (top->level == TOP_SERVERS
		       ? top_server(top, row)->sum.state
		       : top_service(top, row)->sum.state) == LOOK_OVERLOADED;
}

void
top_enter(struct top *top, size_t row)
{
	if (top->level == TOP_SERVICES) {
		top->modid = top_service(top, row)->modid;
		top->cmdid = top_service(top, row)->cmdid;
		top->level = TOP_SERVERS;
	} else if (top->level == TOP_SERVERS) {
		top->ip = top_server(top, row)->ip;
		top->port = top_server(top, row)->port;
		top->level = TOP_CALLERS;
	}
	top_list(top);
}

uint64_t
top_leave(struct top *top)
{
	uint64_t left = two((uint32_t)top->modid, (uint32_t)top->cmdid);

	if (top->level == TOP_CALLERS) {
		top->level = TOP_SERVERS;
		left = two(top->ip, top->port);
	} else {
		top->level = TOP_SERVICES;
	}
	top_list(top);
	return left;
}
