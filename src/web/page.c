/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "web/page.h"
#include "lib/json.h"
#include "lib/process.h"
#include "status/health.h"
#include "status/lists.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LISTED 1000       /* keys or agents, by default */
#define LISTED_MAX 100000 /* that a limit may ask for */
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

static struct status status; /* too large for a stack */
static struct scan scan;
static struct process_counters process; /* ours */

/* ------------------------------------------------------------ questions --- */

static const char *const names[QUERY_NAMES] = {
	[QUERY_MODID] = "modid",
	[QUERY_CMDID] = "cmdid",
	[QUERY_LIMIT] = "limit",
	[QUERY_SORT] = "sort",
	[QUERY_Q] = "q",
	[QUERY_AFTER] = "after",
	[QUERY_HISTORY] = "history",
	[QUERY_SINCE] = "since",
	[QUERY_SERVER] = "server",
};

void
page_argument(struct page *p, const char *name, const char *value)
{
	int i = 0;

	while (i < QUERY_NAMES && strcmp(names[i], name) != 0)
		i++;
	p->invalid |= i == QUERY_NAMES || p->values[i] != NULL || value == NULL;
	if (i < QUERY_NAMES)
		p->values[i] = value;
}

bool
page_error(struct page *p, unsigned code, const char *text)
{
	p->status = code;
	p->type = TYPE_JSON;
	fputs("{\"error\":", p->out);
	json_write(text, p->out);
	fputs("}\n", p->out);
	return false;
}

bool
page_accepts(struct page *p, unsigned allowed)
{
	bool invalid = p->invalid;
	char text[128] = "expected no arguments", *end = text;

	for (int i = 0; i < QUERY_NAMES; i++)
		if (allowed >> i & 1)
			end += snprintf(end,
			    (size_t)(text + sizeof(text) - end),
			    end == text ? "expected, once each: %s" : ", %s",
			    names[i]);
		else
			invalid |= p->values[i] != NULL;
	return !invalid || allowed == QUERY_ANY || page_error(p, 400, text);
}

bool
page_number(struct page *p, enum query_name name, int64_t min, int64_t max,
    int64_t *number)
{
	char text[80];

	if (p->values[name] == NULL ||
	    text_number(p->values[name], min, max, number))
		return true;
	snprintf(text, sizeof(text), "%s is not from %" PRId64 " to %" PRId64,
	    names[name], min, max);
	return page_error(p, 400, text);
}

const struct sample *
page_sample(struct page *p)
{
	if (p->sampler != NULL && p->sample == NULL)
		p->sample = sampler_borrow(p->sampler);
	return p->sample;
}

const struct sample *
page_look(struct page *p)
{
	const struct sample *s = page_sample(p);
	char text[256];

	if (s != NULL && s->look != NULL) {
		p->type = TYPE_JSON;
		return s;
	}
	snprintf(text, sizeof(text), "instance %s: %s", p->instance,
	    s != NULL ? s->reason : "not running");
	page_error(p, 503, text);
	return NULL;
}

/* -------------------------------------------------------------- figures --- */

/* It cannot be read: no metrics are better than false ones. */
static void
page_unread(struct page *p, enum shm_status found)
{
	p->type = TYPE_TEXT;
	p->status = 503;
	fprintf(p->out, "instance %s: %s\n", p->instance, status_reason(found));
}

static void
page_metrics(struct page *p)
{
	enum shm_status found = status_collect(&status, p->instance);
	const struct sample *s;

	p->type = TYPE_METRICS;
	process_note(&process, 0);
	status.web = &process;
	if (found == SHM_OK)
		status_prometheus(&status, p->out);
	else if (found == SHM_MISSING || found == SHM_UNFINISHED)
		status_prometheus(NULL, p->out);
	else
		page_unread(p, found);
	/* The last look at a reporter that ended is out of date. */
	if (found == SHM_OK && status.running && (s = page_sample(p)) != NULL &&
	    s->look != NULL)
		look_prometheus(s->look, p->out);
}

static void
page_services_metrics(struct page *p)
{
	int64_t limit = LOOK_PROMETHEUS_SERVICES;
	const struct sample *s;

	if (!page_number(
		p, QUERY_LIMIT, 1, LOOK_PROMETHEUS_SERVICES_MAX, &limit) ||
	    (s = page_look(p)) == NULL)
		return;
	p->type = TYPE_METRICS;
	/* What the last look saw of one that has ended is out of date. */
	if (*s->reason != '\0')
		page_error(p, 503, s->reason);
	else if (!look_prometheus_services(
		     s->look, s->names, (size_t)limit, p->out))
		page_error(p, 503, "out of memory");
}

static void
page_healthz(struct page *p)
{
	fputs("alive\n", p->out);
}

static void
page_readyz(struct page *p)
{
	enum shm_status found = status_collect(&status, p->instance);
	unsigned down, all;

	if (found == SHM_OK && !status.running)
		found = SHM_MISSING;
	if (found != SHM_OK) {
		page_unread(p, found);
		return;
	}
	all = health_workers(&status, &down);
	p->status = 503;
	if (status.master_age > STATUS_NOT_RESPONDING) {
		fprintf(p->out,
		    "instance %s: master not responding for %.0f s\n",
		    p->instance, status.master_age);
	} else if (down > 0 || all == 0) {
		fprintf(p->out, "instance %s: %u of %u worker%s not running\n",
		    p->instance, down, all, status_s(all));
	} else {
		p->status = 200;
		fputs("ready\n", p->out);
	}
}

static void
page_status(struct page *p)
{
	enum shm_status found = status_collect(&status, p->instance);

	p->type = TYPE_JSON;
	if (found == SHM_OK)
		status_json(&status, p->out);
	else
		page_error(p, 503, status_reason(found));
}

static void
page_agents(struct page *p)
{
	const char *sort = p->values[QUERY_SORT];
	int column = agent_column(sort != NULL ? sort : "address");
	int64_t limit = LISTED;
	uint64_t unlisted;

	p->type = TYPE_JSON;
	if (column < 0) {
		page_error(p, 400, "sort is not " AGENT_COLUMNS);
		return;
	}
	if (!page_number(p, QUERY_LIMIT, 1, LISTED_MAX, &limit))
		return;
	enum shm_status found = agents_print(
	    p->instance, column, (size_t)limit, true, p->out, &unlisted);
	if (found != SHM_OK)
		page_error(p, 503, status_reason(found));
}

/* ----------------------------------------------------------------- keys --- */

/* Those of one service are found by the last look, all others by a walk. */
static enum shm_status
keys_write(
    const char *instance, const struct look *look, struct keys_list *list)
{
	const struct look_service *service = NULL;

	if (list->has_modid && list->has_cmdid && look != NULL)
		service = look_find(look, list->modid, list->cmdid);
	if (service != NULL)
		return look_visit(look, &scan, instance,
		    look->servers + service->first, service->all_servers,
		    keys_visit, list);
	enum shm_status found = scan_open(&scan, instance);
	if (found == SHM_OK) {
		scan_walk(&scan, keys_visit, list);
		scan_close(&scan);
	}
	return found;
}

static void
page_keys(struct page *p)
{
	struct keys_list list = { .out = p->out,
		.json = true,
		.array = true,
		.has_modid = p->values[QUERY_MODID] != NULL,
		.has_cmdid = p->values[QUERY_CMDID] != NULL,
		.limits = { LOOK_FRESH_S, LOOK_SILENT_S },
		.now_ms = (uint64_t)time(NULL) * 1000,
		.max = LISTED };
	const struct look *look = NULL;
	const struct sample *s;
	int64_t modid = 0, cmdid = 0;

	p->type = TYPE_JSON;
	if (!page_number(p, QUERY_MODID, INT32_MIN, INT32_MAX, &modid) ||
	    !page_number(p, QUERY_CMDID, INT32_MIN, INT32_MAX, &cmdid) ||
	    !page_number(p, QUERY_LIMIT, 1, LISTED_MAX, &list.max))
		return;
	list.modid = (int32_t)modid;
	list.cmdid = (int32_t)cmdid;
	fputs("{\"keys\":[", p->out);
	if ((s = page_sample(p)) != NULL) {
		list.names = s->names;
		look = s->look;
	}
	if (look != NULL)
		list.limits = look->totals.limits;
	enum shm_status found = keys_write(p->instance, look, &list);
	if (found == SHM_OK) {
		fprintf(p->out, "],\n\"more\":%s,\"segments_unread\":%u}\n",
		    row_boolean(list.more), scan.unread);
		return;
	}
	rewind(p->out);
	page_error(p, 503, status_reason(found));
}

/* ---------------------------------------------------------------- pages --- */

static const struct page_kind {
	const char *path;
	void (*write)(struct page *page);
	unsigned arguments; /* that may be given */
	bool sampled;
} pages[] = {
	{ "/metrics", page_metrics, QUERY_ANY, false },
	{ "/metrics/services", page_services_metrics, QUERY(LIMIT), true },
	{ "/healthz", page_healthz, QUERY_ANY, false },
	{ "/readyz", page_readyz, QUERY_ANY, false },
	{ "/api/v1/status", page_status, QUERY_ANY, false },
	{ "/api/v1/keys", page_keys, QUERY(MODID) | QUERY(CMDID) | QUERY(LIMIT),
	    false },
	{ "/api/v1/agents", page_agents, QUERY(SORT) | QUERY(LIMIT), false },
	{ "/api/v1/events", api_events, QUERY(SINCE), true },
	{ API_SERVICES, api_services,
	    QUERY(Q) | QUERY(SORT) | QUERY(LIMIT) | QUERY(AFTER) |
		QUERY(HISTORY),
	    true },
	{ API_SERVICES "/", api_service, QUERY_ANY, true }, /* all below */
};

bool
page_find(struct page *p)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		const char *known = pages[i].path;
		size_t length = strlen(known);

		if (strncmp(known, p->path, length) != 0 ||
		    (p->path[length] != '\0' && known[length - 1] != '/'))
			continue;
		p->kind = &pages[i];
		p->sampled = pages[i].sampled;
		return true;
	}
	return false;
}

bool
page_make(struct page *p)
{
	p->status = 200;
	p->type = TYPE_TEXT;
	p->out = open_memstream(&p->body, &p->length);
	if (p->out == NULL)
		return false;
	if (page_accepts(p, p->kind->arguments))
		p->kind->write(p);
	if (p->sample != NULL)
		sampler_return(p->sampler);
	bool good = !ferror(p->out);
	good &= fclose(p->out) == 0;
	if (!good)
		free(p->body);
	return good;
}
