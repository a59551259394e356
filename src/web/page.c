/* SPDX-License-Identifier: MIT
 *
 * The pages of reporter-web.  Owns the memory of the last status and survey;
 * maps segments read-only for the length of a call.  An instance that cannot
 * be read is an answer, too; only a lack of memory is a failure.
 */
#include "config.h"

#include "web/page.h"
#include "status/health.h"
#include "status/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"
#define TYPE_JSON "application/json"

static struct status status; /* too large for a stack */
static struct survey survey;

/* Why an instance cannot be read, in words. */
static const char *
reason_text(enum shm_status found)
{
	if (found == SHM_MISSING || found == SHM_UNFINISHED)
		return "it is not running";
	return shm_strerror(found, errno);
}

/* An error as JSON; the text is ours and needs no escapes. */
static void
say_error(struct page *page, unsigned number, const char *text, FILE *out)
{
	page->status = number;
	fprintf(out, "{\"error\":\"%s\"}\n", text);
}

static void
page_metrics(struct page *page, const char *instance,
    const struct page_query *query, FILE *out)
{
	enum shm_status found = status_collect(&status, instance);

	(void)query;
	page->type = TYPE_METRICS;
	if (found == SHM_OK || found == SHM_MISSING ||
	    found == SHM_UNFINISHED) {
		status_prometheus(found == SHM_OK ? &status : NULL, out);
		return;
	}
	/* Whether it runs cannot be said: no metrics are better than wrong
	   ones. */
	page->type = TYPE_TEXT;
	page->status = 503;
	fprintf(out, "instance %s cannot be read: %s\n", instance,
	    reason_text(found));
}

static void
page_healthz(struct page *page, const char *instance,
    const struct page_query *query, FILE *out)
{
	(void)page, (void)instance, (void)query;
	fputs("alive\n", out);
}

static void
page_readyz(struct page *page, const char *instance,
    const struct page_query *query, FILE *out)
{
	enum shm_status found = status_collect(&status, instance);
	unsigned down, all;

	(void)query;
	page->status = 503;
	if (found != SHM_OK) {
		fprintf(out, "instance %s: %s\n", instance, reason_text(found));
		return;
	}
	all = health_workers(&status, &down);
	if (!status.running) {
		fprintf(out, "instance %s: it is not running\n", instance);
	} else if (status.master_age > STATUS_STANDS_STILL) {
		fprintf(out,
		    "instance %s: its master has stood still for %.0f "
		    "s\n",
		    instance, status.master_age);
	} else if (down > 0 || all == 0) {
		fprintf(out, "instance %s: %u of %u workers do not run\n",
		    instance, down, all);
	} else {
		page->status = 200;
		fputs("ready\n", out);
	}
}

static void
page_status(struct page *page, const char *instance,
    const struct page_query *query, FILE *out)
{
	enum shm_status found = status_collect(&status, instance);

	(void)query;
	page->type = TYPE_JSON;
	if (found == SHM_OK)
		status_json(&status, out);
	else
		say_error(page, 503, reason_text(found), out);
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
list_key(void *arg, const struct survey_key *key)
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

/* Returns what is wrong with a query, or NULL. */
static const char *
listing_read(struct listing *l, const struct page_query *query)
{
	if (query->others)
		return "the arguments are modid, cmdid and limit, once each";
	l->filter.has_modid = query->modid != NULL;
	l->filter.has_cmdid = query->cmdid != NULL;
	if (l->filter.has_modid && !keys_number(query->modid, &l->filter.modid))
		return "modid is no whole number of 32 bits";
	if (l->filter.has_cmdid && !keys_number(query->cmdid, &l->filter.cmdid))
		return "cmdid is no whole number of 32 bits";
	if (query->limit != NULL &&
	    (!keys_number(query->limit, &l->limit) || l->limit < 1 ||
		l->limit > PAGE_KEYS_MOST))
		return "limit is no number from 1 to 100000";
	return NULL;
}

static void
page_keys(struct page *page, const char *instance,
    const struct page_query *query, FILE *out)
{
	struct listing l = { .limit = PAGE_KEYS, .out = out };
	const char *wrong = listing_read(&l, query);

	page->type = TYPE_JSON;
	if (wrong != NULL) {
		say_error(page, 400, wrong, out);
		return;
	}
	enum shm_status found = survey_open(&survey, instance);
	if (found != SHM_OK) {
		say_error(page, 503, reason_text(found), out);
		return;
	}
	fputs("{\"keys\":[", out);
	survey_walk(&survey, list_key, &l);
	fprintf(out, "],\n\"more\":%s,\"segments_unread\":%u}\n",
	    l.more ? "true" : "false", survey.unread);
	survey_close(&survey);
}

/* ---------------------------------------------------------------- pages --- */

static const struct {
	const char *path;
	void (*write)(struct page *page, const char *instance,
	    const struct page_query *query, FILE *out);
} pages[] = {
	{ "/metrics", page_metrics },
	{ "/healthz", page_healthz },
	{ "/readyz", page_readyz },
	{ "/api/v1/status", page_status },
	{ "/api/v1/keys", page_keys },
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
page_make(struct page *page, const char *instance, const char *path,
    const struct page_query *query)
{
	FILE *out;

	*page = (struct page){ .status = 200, .type = TYPE_TEXT };
	out = open_memstream(&page->body, &page->length);
	if (out == NULL)
		return false;
	for (size_t i = 0; i < PAGES; i++)
		if (strcmp(pages[i].path, path) == 0)
			pages[i].write(page, instance, query, out);
	bool good = !ferror(out);
	good &= fclose(out) == 0;
	if (!good)
		free(page->body);
	return good;
}
