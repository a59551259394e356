/* SPDX-License-Identifier: MIT
 *
 * reporter-web: a request's path and arguments, and what is answered.  Knows
 * nothing of HTTP but status numbers.  The thread that answers.
 */
#pragma once

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

/* query_accept - whether the arguments are valid and all among those of a list
   that ends with QUERY_NAMES; else the page becomes the error. */
bool query_accept(const struct query *query, const enum query_name *allowed,
    struct page *page, FILE *out);

/* query_number - read an argument into *number, which is left alone if it is
   not given.  Returns false if it is not an integer from min to max. */
bool query_number(const struct query *query, enum query_name name, int64_t min,
    int64_t max, int64_t *number);

/* page_error - make the page an error: a JSON object with this text. */
void page_error(
    struct page *page, unsigned status, const char *text, FILE *out);
