/* SPDX-License-Identifier: MIT
 *
 * reporter-web: a request's path and arguments, and the page that answers it.
 * Knows nothing of HTTP but status numbers.  One thread at a time; a failure to
 * write is left in the stream.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum query_name {
	QUERY_MODID,
	QUERY_CMDID,
	QUERY_LIMIT,
	QUERY_SORT,
	QUERY_Q,
	QUERY_AFTER,
	QUERY_HISTORY,
	QUERY_SINCE,
	QUERY_SERVER,
	QUERY_NAMES
};

struct sampler;

struct query {
	const char *instance;
	struct sampler *sampler; /* NULL: there is none, as in a test */
	const char *path;
	/* The arguments; NULL: not given. */
	const char *values[QUERY_NAMES];
	bool invalid; /* an argument is unknown, given twice or without = */
};

struct page {
	unsigned status;  /* of HTTP */
	const char *type; /* of the body; constant */
	char *body;       /* the caller frees it */
	size_t length;    /* bytes */
};

#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_JSON "application/json"

/* query_add - take an argument; value: NULL without a =. */
void query_add(struct query *query, const char *name, const char *value);

/* page_is_known - whether there is such a page. */
bool page_is_known(const char *path);

/* page_is_sampled - whether it is made from the sampler's sample alone. */
bool page_is_sampled(const char *path);

/* page_make - the page of a query, whose path is known; false: no memory. */
bool page_make(struct page *page, const struct query *query);

/* ------------------------------------------ for those who make pages ------ */

#define QUERY(name) (1u << QUERY_##name)
#define QUERY_ANY UINT_MAX /* also unknown ones */

/* query_accept - whether the arguments are valid and all among these, QUERY()
   joined by |; else the page becomes the error. */
bool query_accept(
    const struct query *query, unsigned allowed, struct page *page, FILE *out);

/* query_number - read an argument into *number, which is left alone if it is
   not given.  Returns false if it is not an integer from min to max: the page
   becomes the error. */
bool query_number(const struct query *query, enum query_name name, int64_t min,
    int64_t max, int64_t *number, struct page *page, FILE *out);

/* page_error - make the page an error: a JSON object with this text. */
void page_error(
    struct page *page, unsigned status, const char *text, FILE *out);

/* api_sample - the sample to answer from, until sampler_return(); it has a
   look.  NULL: there is none, and the page became the error. */
const struct sample *api_sample(
    struct page *page, const struct query *query, FILE *out);

#define API_SERVICES "/api/v1/services"

/* api_services, api_service, api_events - what the page shows: a page of the
   list of services; a path below API_SERVICES: the servers of one, or the
   callers of a server; changes of servers since a number. */
void api_services(struct page *page, const struct query *query, FILE *out);
void api_service(struct page *page, const struct query *query, FILE *out);
void api_events(struct page *page, const struct query *query, FILE *out);
