/* SPDX-License-Identifier: MIT
 *
 * reporter-web: a request's path and arguments, and the page that answers it.
 * Knows nothing of HTTP but status numbers.  One thread at a time; a failure to
 * write is left in the stream.
 */
#pragma once

#include "web/sampler.h"

#include <limits.h>
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

struct page {
	const char *instance;
	struct sampler *sampler; /* NULL: there is none, as in a test */
	const char *path;
	/* The arguments; NULL: not given. */
	const char *values[QUERY_NAMES];
	bool invalid; /* an argument is unknown, given twice or without = */
	/* Set by page_find(): */
	const struct page_kind *kind;
	bool sampled; /* it is made from the sampler's sample alone */
	/* Set by page_make(): */
	unsigned status;  /* of HTTP */
	const char *type; /* of the body; constant */
	char *body;       /* the caller frees it */
	size_t length;    /* bytes */
	/* While it is made: the body, and the sample if it was borrowed. */
	FILE *out;
	const struct sample *sample;
};

/* page_argument - take an argument; value: NULL without a =. */
void page_argument(struct page *page, const char *name, const char *value);

/* page_find - whether there is a page of this path. */
bool page_find(struct page *page);

/* page_make - make the page that was found; false: no memory. */
bool page_make(struct page *page);

/* ------------------------------------------ for those who make pages ------ */

#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_JSON "application/json"

#define QUERY(name) (1u << QUERY_##name)
#define QUERY_ANY UINT_MAX /* also unknown ones */

/* page_accepts - whether the arguments are valid and all among these, QUERY()
   joined by |; else the page becomes the error. */
bool page_accepts(struct page *page, unsigned allowed);

/* page_number - read an argument into *number, which is left alone if it is
   not given.  Returns false if it is not an integer from min to max: the page
   becomes the error. */
bool page_number(struct page *page, enum query_name name, int64_t min,
    int64_t max, int64_t *number);

/* page_error - make the page an error: a JSON object with this text.  Returns
   false. */
bool page_error(struct page *page, unsigned status, const char *text);

/* page_sample - borrow the sample until the page is made; NULL: there is none.
   page_look - likewise if it has a look; else the page becomes the error. */
const struct sample *page_sample(struct page *page);
const struct sample *page_look(struct page *page);

#define API_SERVICES "/api/v1/services"

/* api_services, api_service, api_events - what the page shows: a page of the
   list of services; a path below API_SERVICES: the servers of one, or the
   callers of a server; changes of servers since a number. */
void api_services(struct page *page);
void api_service(struct page *page);
void api_events(struct page *page);

/* ------------------------------------ lists, whose columns are named once - */

/* A row that is being written: an object with these columns, NULL: an array. */
struct row {
	FILE *out;
	const char *const *columns;
	unsigned count; /* values written */
};

/* Ending with NULL. */
extern const char *const service_columns[], *const server_columns[];

/* row_put - write the next value, with printf()'s format. */
void row_put(struct row *row, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* row_figure - write the next value; null if it is below 0: unknown. */
void row_figure(struct row *row, double value, int digits);

/* row_number - likewise, outside of a row. */
void row_number(double value, int digits, FILE *out);

/* row_boolean - true or false. */
const char *row_boolean(bool value);

/* row_age - seconds from ts (since 1970) to the sample's look. */
double row_age(const struct sample *s, uint64_t ts);

/* row_service, row_server - write a whole row. */
void row_service(
    struct row row, const struct sample *s, const struct look_service *service);
void row_server(
    struct row row, const struct sample *s, const struct look_server *server);

/* rows_begin, row_begin, rows_end - around a list as in "columns":[...],
   "rows":[[...],[...]]; row_begin() before each of its rows, from 0 on. */
void rows_begin(const char *const *columns, FILE *out);
struct row row_begin(size_t place, FILE *out);
void rows_end(size_t count, FILE *out);
