/* SPDX-License-Identifier: MIT
 *
 * The pages of reporter-web.  Owns the memory of the last status and scan;
 * maps segments read-only for the length of a call.  An instance that cannot
 * be read is an answer, too.
 */
#include "config.h"

#include "web/page.h"
#include "lib/process.h"
#include "status/agent_list.h"
#include "status/health.h"
#include "status/keys.h"

#include <stdio.h>
#include <stdlib.h>

#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"
#define TYPE_JSON "application/json"

static struct status status; /* too large for a stack */
static struct scan scan;
static struct process_counters process; /* ours */

/* An error as JSON; the text is ours and needs no escapes. */
static void
show_error(struct page *page, unsigned number, const char *text, FILE *out)
{
	page->status = number;
	fprintf(out, "{\"error\":\"%s\"}\n", text);
}

static void
page_metrics(struct page *page, const struct page_query *query, FILE *out)
{
	enum shm_status found = status_collect(&status, query->instance);

	page->type = TYPE_METRICS;
	process_note(&process, 0);
	status.web = &process;
	if (found == SHM_OK || found == SHM_MISSING ||
	    found == SHM_UNFINISHED) {
		status_prometheus(found == SHM_OK ? &status : NULL, out);
		return;
	}
	/* Whether it runs is unknown: no metrics are better than false ones. */
	page->type = TYPE_TEXT;
	page->status = 503;
	fprintf(
	    out, "instance %s: %s\n", query->instance, status_reason(found));
}

static void
page_healthz(struct page *page, const struct page_query *query, FILE *out)
{
	(void)page, (void)query;
	fputs("alive\n", out);
}

static void
page_readyz(struct page *page, const struct page_query *query, FILE *out)
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
page_status(struct page *page, const struct page_query *query, FILE *out)
{
	enum shm_status found = status_collect(&status, query->instance);

	page->type = TYPE_JSON;
	if (found == SHM_OK)
		status_json(&status, out);
	else
		show_error(page, 503, status_reason(found), out);
}

/* Read the limit of a list, if there is one.  Returns why it is invalid, or
   NULL. */
static const char *
limit_read(const struct page_query *query, int32_t *limit)
{
	if (query->limit != NULL && (!keys_number(query->limit, limit) ||
					*limit < 1 || *limit > PAGE_KEYS_MAX))
		return "limit is not from 1 to 100000";
	return NULL;
}

static void
page_agents(struct page *page, const struct page_query *query, FILE *out)
{
	int column =
	    agent_column(query->sort != NULL ? query->sort : "address");
	int32_t limit = PAGE_AGENTS;
	const char *invalid = limit_read(query, &limit);
	uint64_t unlisted;

	if (column < 0)
		invalid = "sort is not " AGENT_COLUMNS;
	if (query->others || query->modid != NULL || query->cmdid != NULL)
		invalid = "expected sort and limit, once each";
	page->type = TYPE_JSON;
	if (invalid != NULL) {
		show_error(page, 400, invalid, out);
		return;
	}
	enum shm_status found = agents_print(
	    query->instance, column, (size_t)limit, true, out, &unlisted);
	if (found != SHM_OK)
		show_error(page, 503, status_reason(found), out);
}

/* ----------------------------------------------------------------- keys --- */

struct listing {
	struct keys_filter filter;
	int32_t limit;
	int32_t listed;
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
	keys_json(key, l->out);
	return true;
}

/* Returns why a query is invalid, or NULL. */
static const char *
listing_read(struct listing *l, const struct page_query *query)
{
	if (query->others || query->sort != NULL)
		return "expected modid, cmdid and limit, once each";
	l->filter.has_modid = query->modid != NULL;
	l->filter.has_cmdid = query->cmdid != NULL;
	if (l->filter.has_modid && !keys_number(query->modid, &l->filter.modid))
		return "modid is not a 32-bit integer";
	if (l->filter.has_cmdid && !keys_number(query->cmdid, &l->filter.cmdid))
		return "cmdid is not a 32-bit integer";
	return limit_read(query, &l->limit);
}

static void
page_keys(struct page *page, const struct page_query *query, FILE *out)
{
	struct listing l = { .limit = PAGE_KEYS, .out = out };
	const char *invalid = listing_read(&l, query);

	page->type = TYPE_JSON;
	if (invalid != NULL) {
		show_error(page, 400, invalid, out);
		return;
	}
	enum shm_status found = scan_open(&scan, query->instance);
	if (found != SHM_OK) {
		show_error(page, 503, status_reason(found), out);
		return;
	}
	fputs("{\"keys\":[", out);
	scan_walk(&scan, list_key, &l);
	fprintf(out, "],\n\"more\":%s,\"segments_unread\":%u}\n",
	    l.more ? "true" : "false", scan.unread);
	scan_close(&scan);
}

/* ---------------------------------------------------------------- pages --- */

static const struct {
	const char *path;
	void (*write)(
	    struct page *page, const struct page_query *query, FILE *out);
} pages[] = {
	{ "/metrics", page_metrics },
	{ "/healthz", page_healthz },
	{ "/readyz", page_readyz },
	{ "/api/v1/status", page_status },
	{ "/api/v1/keys", page_keys },
	{ "/api/v1/agents", page_agents },
};

#define PAGES (sizeof(pages) / sizeof(*pages))

bool
page_is_known(const char *path)
{
	for (size_t i = 0; i < PAGES; i++)
		if (strcmp(pages[i].path, path) == 0)
			return true;
	return false;
}

bool
page_make(struct page *page, const char *path, const struct page_query *query)
{
	FILE *out;

	*page = (struct page){ .status = 200, .type = TYPE_TEXT };
	out = open_memstream(&page->body, &page->length);
	if (out == NULL)
		return false;
	for (size_t i = 0; i < PAGES; i++)
		if (strcmp(pages[i].path, path) == 0)
			pages[i].write(page, query, out);
	bool good = !ferror(out);
	good &= fclose(out) == 0;
	if (!good)
		free(page->body);
	return good;
}
