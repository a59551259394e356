/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "web/page.h"
#include "lib/json.h"

#include <inttypes.h>
#include <string.h>

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
query_add(struct query *query, const char *name, const char *value)
{
	for (int i = 0; i < QUERY_NAMES; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		query->invalid |= query->values[i] != NULL || value == NULL;
		query->values[i] = value;
		return;
	}
	query->invalid = true;
}

bool
query_accept(
    const struct query *query, unsigned allowed, struct page *page, FILE *out)
{
	bool invalid = query->invalid;
	char text[128] = "expected no arguments", *end = text;

	for (int i = 0; i < QUERY_NAMES; i++)
		if (allowed >> i & 1)
			end += snprintf(end,
			    (size_t)(text + sizeof(text) - end),
			    end == text ? "expected, once each: %s" : ", %s",
			    names[i]);
		else
			invalid |= query->values[i] != NULL;
	if (!invalid || allowed == QUERY_ANY)
		return true;
	page_error(page, 400, text, out);
	return false;
}

bool
query_number(const struct query *query, enum query_name name, int64_t min,
    int64_t max, int64_t *number, struct page *page, FILE *out)
{
	char text[80];

	if (query->values[name] == NULL ||
	    text_number(query->values[name], min, max, number))
		return true;
	snprintf(text, sizeof(text), "%s is not from %" PRId64 " to %" PRId64,
	    names[name], min, max);
	page_error(page, 400, text, out);
	return false;
}

void
page_error(struct page *page, unsigned status, const char *text, FILE *out)
{
	page->status = status;
	page->type = TYPE_JSON;
	fputs("{\"error\":", out);
	json_write(text, out);
	fputs("}\n", out);
}
