/* SPDX-License-Identifier: MIT
 *
 * A status and a look in Prometheus' text format.  Any thread.
 */
#pragma once

#include "status/look.h"
#include "status/names.h"
#include "status/status.h"

/* status_prometheus - write a status; NULL: the instance is not there. */
void status_prometheus(const struct status *status, FILE *out);

/* look_prometheus - what a look adds to that. */
void look_prometheus(const struct look *look, FILE *out);

#define LOOK_PROMETHEUS_SERVICES 1000      /* the default limit */
#define LOOK_PROMETHEUS_SERVICES_MAX 10000 /* 7 MB */

/* look_prometheus_services - series of each service, of those first that are in
   trouble, up to limit of them.  names: NULL is allowed.  Returns false without
   memory; then nothing was written. */
bool look_prometheus_services(const struct look *look,
    const struct names *names, size_t limit, FILE *out);
