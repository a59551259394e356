/* SPDX-License-Identifier: MIT
 *
 * reporter-web: what it answers.  Knows nothing of HTTP but status numbers.
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PAGE_KEYS 1000       /* listed by default */
#define PAGE_KEYS_MAX 100000 /* that a limit may ask for */
#define PAGE_AGENTS 1000     /* listed by default */

struct page {
	unsigned status;  /* of HTTP */
	const char *type; /* of the body; constant */
	char *body;       /* the caller frees it */
	size_t length;    /* bytes */
};

struct page_query {
	const char *instance;
	/* The arguments of the request; NULL: not given. */
	const char *modid, *cmdid, *limit, *sort;
	bool others; /* other arguments, or one given twice */
};

/* page_is_known - whether there is such a page. */
bool page_is_known(const char *path);

/* page_make - the page under a path that is known.  Returns
   false if out of memory. */
bool page_make(
    struct page *page, const char *path, const struct page_query *query);
