/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "web/page.h"
#include "lib/process.h"
#include "status/agent_list.h"
#include "status/health.h"
#include "status/keys.h"
#include "status/prometheus.h"
#include "web/sampler.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LISTED 1000       /* keys or agents, by default */
#define LISTED_MAX 100000 /* that a limit may ask for */
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

static struct status status; /* too large for a stack */
static struct scan scan;
static struct process_counters process; /* ours */

static void
page_metrics(struct page *page, const struct query *query, FILE *out)
{
	enum shm_status found = status_collect(&status, query->instance);
	const struct look *look;

	page->type = TYPE_METRICS;
	process_note(&process, 0);
	status.web = &process;
	if (found == SHM_OK || found == SHM_MISSING ||
	    found == SHM_UNFINISHED) {
		status_prometheus(found == SHM_OK ? &status : NULL, out);
		/* The last look at a reporter that ended is out of date. */
		if (found != SHM_OK || !status.running ||
		    query->sampler == NULL)
			return;
		look = sampler_borrow(query->sampler)->look;
		if (look != NULL)
			look_prometheus(look, out);
		sampler_return(query->sampler);
		return;
	}
	/* Whether it runs is unknown: no metrics are better than false ones. */
	page->type = TYPE_TEXT;
	page->status = 503;
	fprintf(
	    out, "instance %s: %s\n", query->instance, status_reason(found));
}

static void
page_services_metrics(struct page *page, const struct query *query, FILE *out)
{
	int64_t limit = LOOK_PROMETHEUS_SERVICES;
	const struct sample *sample;

	if (!query_number(query, QUERY_LIMIT, 1, LOOK_PROMETHEUS_SERVICES_MAX,
		&limit, page, out))
		return;
	sample = api_sample(page, query, out);
	if (sample == NULL)
		return;
	page->type = TYPE_METRICS;
	/* What the last look saw of one that has ended is out of date. */
	if (*sample->reason != '\0')
		page_error(page, 503, sample->reason, out);
	else if (!look_prometheus_services(
		     sample->look, sample->names, (size_t)limit, out))
		page_error(page, 503, "out of memory", out);
	sampler_return(query->sampler);
}

static void
page_healthz(struct page *page, const struct query *query, FILE *out)
{
	(void)page, (void)query;
	fputs("alive\n", out);
}

static void
page_readyz(struct page *page, const struct query *query, FILE *out)
{
	enum shm_status found = status_collect(&status, query->instance);
	unsigned down, all;

	if (found == SHM_OK && !status.running)
		found = SHM_MISSING;
	page->status = 503;
	if (found != SHM_OK) {
		fprintf(out, "instance %s: %s\n", query->instance,
		    status_reason(found));
		return;
	}
	all = health_workers(&status, &down);
	if (status.master_age > STATUS_NOT_RESPONDING) {
		fprintf(out, "instance %s: master not responding for %.0f s\n",
		    query->instance, status.master_age);
	} else if (down > 0 || all == 0) {
		fprintf(out, "instance %s: %u of %u worker%s not running\n",
		    query->instance, down, all, status_s(all));
	} else {
		page->status = 200;
		fputs("ready\n", out);
	}
}

static void
page_status(struct page *page, const struct query *query, FILE *out)
{
	enum shm_status found = status_collect(&status, query->instance);

	page->type = TYPE_JSON;
	if (found == SHM_OK)
		status_json(&status, out);
	else
		page_error(page, 503, status_reason(found), out);
}

static void
page_agents(struct page *page, const struct query *query, FILE *out)
{
	const char *sort = query->values[QUERY_SORT];
	int column = agent_column(sort != NULL ? sort : "address");
	int64_t limit = LISTED;
	uint64_t unlisted;

	page->type = TYPE_JSON;
	if (column < 0) {
		page_error(page, 400, "sort is not " AGENT_COLUMNS, out);
		return;
	}
	if (!query_number(query, QUERY_LIMIT, 1, LISTED_MAX, &limit, page, out))
		return;
	enum shm_status found = agents_print(
	    query->instance, column, (size_t)limit, true, out, &unlisted);
	if (found != SHM_OK)
		page_error(page, 503, status_reason(found), out);
}

/* ----------------------------------------------------------------- keys --- */

struct listing {
	struct keys_filter filter;
	struct keys_view view;
	int64_t limit, listed;
	bool more;
	FILE *out;
};

static bool
list_key(void *arg, const struct scan_key *key)
{
	struct listing *l = arg;

	if (!keys_match(&l->filter, &key->record))
		return true;
	if (l->listed == l->limit) {
		l->more = true;
		return false;
	}
	fputs(l->listed++ == 0 ? "\n" : ",\n", l->out);
	keys_json(key, &l->view, l->out);
	return true;
}

/* Read the arguments.  Returns false: the page is the error. */
static bool
listing_read(
    struct listing *l, const struct query *query, struct page *page, FILE *out)
{
	int64_t modid = 0, cmdid = 0;

	if (!query_number(
		query, QUERY_MODID, INT32_MIN, INT32_MAX, &modid, page, out) ||
	    !query_number(
		query, QUERY_CMDID, INT32_MIN, INT32_MAX, &cmdid, page, out) ||
	    !query_number(
		query, QUERY_LIMIT, 1, LISTED_MAX, &l->limit, page, out))
		return false;
	l->filter = (struct keys_filter){ query->values[QUERY_MODID] != NULL,
		query->values[QUERY_CMDID] != NULL, (int32_t)modid,
		(int32_t)cmdid };
	return true;
}

/* Those of one service are found by the last look, all others by a walk. */
static enum shm_status
keys_visit(const char *instance, const struct look *look, struct listing *l)
{
	const struct look_service *service = NULL;

	if (l->filter.has_modid && l->filter.has_cmdid && look != NULL)
		service = look_find(look, l->filter.modid, l->filter.cmdid);
	if (service != NULL)
		return look_visit(look, &scan, instance,
		    look->servers + service->first, service->all_servers,
		    list_key, l);
	enum shm_status found = scan_open(&scan, instance);
	if (found == SHM_OK) {
		scan_walk(&scan, list_key, l);
		scan_close(&scan);
	}
	return found;
}

static void
page_keys(struct page *page, const struct query *query, FILE *out)
{
	struct listing l = { .view = { { LOOK_FRESH_S, LOOK_SILENT_S },
				 (uint64_t)time(NULL) * 1000, NULL },
		.limit = LISTED,
		.out = out };
	const struct look *look = NULL;

	page->type = TYPE_JSON;
	if (!listing_read(&l, query, page, out))
		return;
	fputs("{\"keys\":[", out);
	if (query->sampler != NULL) {
		const struct sample *s = sampler_borrow(query->sampler);

		l.view.names = s->names;
		look = s->look;
		if (look != NULL)
			l.view.limits = look->totals.limits;
	}
	enum shm_status found = keys_visit(query->instance, look, &l);
	if (query->sampler != NULL)
		sampler_return(query->sampler);
	if (found == SHM_OK) {
		fprintf(out, "],\n\"more\":%s,\"segments_unread\":%u}\n",
		    l.more ? "true" : "false", scan.unread);
		return;
	}
	rewind(out);
	page_error(page, 503, status_reason(found), out);
}

/* ---------------------------------------------------------------- pages --- */

static const struct known {
	const char *path;
	void (*write)(struct page *page, const struct query *query, FILE *out);
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

static const struct known *
known_find(const char *path)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		const char *known = pages[i].path;
		size_t length = strlen(known);

		if (strncmp(known, path, length) == 0 &&
		    (path[length] == '\0' || known[length - 1] == '/'))
			return &pages[i];
	}
	return NULL;
}

bool
page_is_known(const char *path)
{
	return known_find(path) != NULL;
}

bool
page_is_sampled(const char *path)
{
	const struct known *known = known_find(path);

	return known != NULL && known->sampled;
}

bool
page_make(struct page *page, const struct query *query)
{
	FILE *out;

	*page = (struct page){ .status = 200, .type = TYPE_TEXT };
	out = open_memstream(&page->body, &page->length);
	if (out == NULL)
		return false;
	const struct known *known = known_find(query->path);
	if (query_accept(query, known->arguments, page, out))
		known->write(page, query, out);
	bool good = !ferror(out);
	good &= fclose(out) == 0;
	if (!good)
		free(page->body);
	return good;
}
