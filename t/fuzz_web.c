/* SPDX-License-Identifier: MIT
 *
 * What reporter-web takes from a request once libmicrohttpd has taken it
 * apart: the path, then names and values of arguments, each up to a line's
 * end; a value that is "~" alone is one that was not given.  Shows that each
 * known path is answered, that a number is one of 32 bits or refused, and that
 * what is refused or missing is an error in JSON.
 *
 * Of an instance that does not run: what segments hold is fuzz_segment's.
 */
#include "config.h"

#include "fuzz.h"
#include "status/lists.h"
#include "web/page.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#define INSTANCE "fuzz-none"
#define PARTS 7

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

/* Without an instance all of these are errors. */
static bool
is_json(const char *path)
{
	return strncmp(path, "/api/", 5) == 0 ||
	       strcmp(path, "/metrics/services") == 0;
}

static void
check_page(struct page *page)
{
	json_t *value;

	FUZZ_CHECK(page_make(page));
	FUZZ_CHECK(page->type != NULL);
	FUZZ_CHECK(page->length > 0 && strlen(page->body) == page->length);
	FUZZ_CHECK(page->status == 200 || page->status == 400 ||
		   page->status == 404 || page->status == 503);
	if (is_json(page->path)) {
		/* Nothing that is read from an instance is there. */
		FUZZ_CHECK(page->status != 200);
		value = json_loadb(page->body, page->length, 0, NULL);
		FUZZ_CHECK(json_is_string(json_object_get(value, "error")));
		json_decref(value);
	}
	/* What is not understood is refused wherever something is asked. */
	if (page->invalid && strncmp(page->path, "/api/v1/s", 9) != 0 &&
	    is_json(page->path))
		FUZZ_CHECK(page->status == 400);
	free(page->body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const known[] = { "/metrics", "/metrics/services",
		"/healthz", "/readyz", "/api/v1/status", "/api/v1/keys",
		"/api/v1/agents", "/api/v1/events", "/api/v1/services" };
	const char *parts[PARTS] = { NULL };
	char *text;

	parts_read(parts, &text, data, size);
	struct page page = { .instance = INSTANCE, .path = parts[0] };
	for (int i = 1; i < PARTS; i++)
		check_number(parts[i]);
	for (int i = 1; i + 1 < PARTS; i += 2)
		if (parts[i] != NULL)
			page_argument(&page, parts[i], parts[i + 1]);
	bool found = false;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		found |= parts[0] != NULL && strcmp(parts[0], known[i]) == 0;
	found |=
	    parts[0] != NULL && strncmp(parts[0], "/api/v1/services/", 17) == 0;
	FUZZ_CHECK(parts[0] == NULL || page_find(&page) == found);
	if (!found) { /* The arguments are read all the same. */
		page.path = "/api/v1/services";
		FUZZ_CHECK(page_find(&page));
	}
	check_page(&page);
	free(text);
	return 0;
}
