/* SPDX-License-Identifier: MIT
 *
 * What reporter-web takes from a request once libmicrohttpd has taken it
 * apart: path, modid, cmdid, limit, whatever else, and sort, each up to a
 * line's end; a text that is "~" alone is one that was not given.  Shows that
 * each known path is answered, that a number is one of 32 bits or refused, and
 * that the answer to what is refused is one of four texts.
 *
 * Of an instance that does not run: what segments hold is fuzz_segment's.
 */
#include "config.h"

#include "fuzz.h"
#include "status/agent_list.h"
#include "status/keys.h"
#include "web/page.h"

#include <inttypes.h>
#include <string.h>

#define INSTANCE "fuzz-none"
#define PARTS 6

/* Cut at line ends; *text is what the parts lie in, for free(). */
static void
parts_read(
    const char *parts[PARTS], char **text, const uint8_t *data, size_t size)
{
	char *at = *text = malloc(size + 1);

	FUZZ_CHECK(at != NULL);
	if (size > 0)
		memcpy(at, data, size);
	at[size] = '\0';
	for (int i = 0; i < PARTS; i++) {
		parts[i] = at;
		if (at != NULL && (at = strchr(at, '\n')) != NULL)
			*at++ = '\0';
		if (parts[i] != NULL && strcmp(parts[i], "~") == 0)
			parts[i] = NULL;
	}
}

/* A number is what it is when it is written again. */
static void
check_number(const char *text)
{
	char again[16];
	int32_t number, same;

	if (text == NULL || !keys_number(text, &number))
		return;
	snprintf(again, sizeof(again), "%" PRId32, number);
	FUZZ_CHECK(keys_number(again, &same) && same == number);
	/* Nothing but a sign, zeros and the digits: no space, no plus. */
	FUZZ_CHECK(strspn(text, "-0123456789") == strlen(text));
	FUZZ_CHECK(number == 0 || (*text == '-') == (number < 0));
	const char *digits = text + (*text == '-');
	FUZZ_CHECK(*digits != '\0');
	digits += strspn(digits, "0");
	const char *wanted = again + (*again == '-');
	FUZZ_CHECK(strcmp(digits, number == 0 ? "" : wanted) == 0);
}

static bool
is_invalid(const char *text)
{
	int32_t number;

	return text != NULL && !keys_number(text, &number);
}

/* Why a query is invalid, or NULL. */
static const char *
refusal(const struct page_query *query)
{
	int32_t limit = 1;

	if (query->others || query->sort != NULL)
		return "{\"error\":\"expected modid, cmdid and limit, once "
		       "each\"}\n";
	if (is_invalid(query->modid))
		return "{\"error\":\"modid is not a 32-bit integer\"}\n";
	if (is_invalid(query->cmdid))
		return "{\"error\":\"cmdid is not a 32-bit integer\"}\n";
	if (is_invalid(query->limit) ||
	    (query->limit != NULL && keys_number(query->limit, &limit) &&
		(limit < 1 || limit > 100000)))
		return "{\"error\":\"limit is not from 1 to 100000\"}\n";
	return NULL;
}

/* The same for the agents, but for the text. */
static bool
agents_refused(const struct page_query *query)
{
	int32_t limit = 1;

	return query->others || query->modid != NULL || query->cmdid != NULL ||
	       (query->sort != NULL && agent_column(query->sort) < 0) ||
	       is_invalid(query->limit) ||
	       (query->limit != NULL && keys_number(query->limit, &limit) &&
		   (limit < 1 || limit > 100000));
}

static void
check_page(const char *path, const struct page_query *query)
{
	struct page page;

	FUZZ_CHECK(page_make(&page, path, query));
	FUZZ_CHECK(page.type != NULL);
	FUZZ_CHECK(page.length > 0 && strlen(page.body) == page.length);
	/* Only the keys and agents have something to ask for. */
	const char *wanted =
	    strcmp(path, "/api/v1/keys") == 0 ? refusal(query) : NULL;
	if (wanted != NULL)
		FUZZ_CHECK(
		    page.status == 400 && strcmp(page.body, wanted) == 0);
	else if (strcmp(path, "/api/v1/agents") == 0)
		FUZZ_CHECK(page.status == (agents_refused(query) ? 400 : 503));
	else
		FUZZ_CHECK(page.status == 200 || page.status == 503);
	free(page.body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const known[] = { "/metrics", "/healthz", "/readyz",
		"/api/v1/status", "/api/v1/keys", "/api/v1/agents" };
	const char *parts[PARTS] = { NULL };
	char *text;

	parts_read(parts, &text, data, size);
	const struct page_query query = { INSTANCE, parts[1], parts[2],
		parts[3], parts[5], parts[4] != NULL };
	for (int i = 1; i < PARTS; i++)
		check_number(parts[i]);
	bool found = false;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		found |= parts[0] != NULL && strcmp(parts[0], known[i]) == 0;
	FUZZ_CHECK(parts[0] == NULL || page_is_known(parts[0]) == found);
	/* The query is read on every page, asked for or not. */
	check_page(found ? parts[0] : "/api/v1/keys", &query);
	free(text);
	return 0;
}
