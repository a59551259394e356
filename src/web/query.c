/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "web/query.h"
#include "lib/json.h"

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
query_accept(const struct query *query, const enum query_name *allowed,
    struct page *page, FILE *out)
{
	bool invalid = query->invalid;
	char text[128] = "expected no arguments", *end = text;

	for (int i = 0; i < QUERY_NAMES; i++) {
		const enum query_name *a = allowed;

		while (*a != QUERY_NAMES && (int)*a != i)
			a++;
		invalid |= query->values[i] != NULL && *a == QUERY_NAMES;
	}
	if (!invalid)
		return true;
	for (; *allowed != QUERY_NAMES; allowed++)
		end += snprintf(end, (size_t)(text + sizeof(text) - end),
		    end == text ? "expected, once each: %s" : ", %s",
		    names[*allowed]);
	page_error(page, 400, text, out);
	return false;
}

bool
query_number(const struct query *query, enum query_name name, int64_t min,
    int64_t max, int64_t *number)
{
	return query->values[name] == NULL ||
	       text_number(query->values[name], min, max, number);
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
