/* SPDX-License-Identifier: MIT
 *
 * reporter-web: the pages for programs.  One thread at a time.
 */
#pragma once

#include "web/query.h"

#define PAGE_KEYS 1000       /* listed by default */
#define PAGE_KEYS_MAX 100000 /* that a limit may ask for */
#define PAGE_LIMIT_INVALID "limit is not from 1 to 100000"
#define PAGE_AGENTS 1000 /* listed by default */

/* page_is_known - whether there is such a page. */
bool page_is_known(const char *path);

/* page_is_sampled - whether it is made from the sampler's sample alone. */
bool page_is_sampled(const char *path);

/* page_make - the page of a query, whose path is known.  Returns false if out
   of memory. */
bool page_make(struct page *page, const struct query *query);
