/* SPDX-License-Identifier: MIT
 *
 * reporter-web: what the page shows, as JSON: services, servers of one, callers
 * of one, changes.  Made from the sampler's sample.  The thread that answers.
 */
#pragma once

#include "web/query.h"

#define API_SERVICES "/api/v1/services"

/* api_sample - the sample to answer from, until sampler_return(); it has a
   look. NULL: there is none, and the page became the error. */
const struct sample *api_sample(
    struct page *page, const struct query *query, FILE *out);

/* api_services - a page of the list of services. */
void api_services(struct page *page, const struct query *query, FILE *out);

/* api_service - a path below API_SERVICES: a service's servers, or the callers
   of one of its servers. */
void api_service(struct page *page, const struct query *query, FILE *out);

/* api_events - changes of servers since a number. */
void api_events(struct page *page, const struct query *query, FILE *out);
