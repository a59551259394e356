/* SPDX-License-Identifier: MIT
 *
 * Services: the keys of an instance summed up by modid and cmdid, and how fast
 * each service's reports and records come in, from one scan to the next.  One
 * process, one thread.
 */
#pragma once

#include "status/keys.h"

#define SERVICES_MAX 16384    /* those beyond are counted, not listed */
#define SERVERS_MAX (1 << 17) /* overloaded servers counted */
#define CALLERS_MAX (1 << 18) /* callers of services that have reported */

struct service {
	int32_t modid, cmdid;
	uint64_t overloaded; /* servers that some agent reports so */
	uint64_t keys;       /* in the tables */
	uint64_t succ, err;  /* sums over the keys' newest records */
	uint64_t newest_ts;  /* seconds since 1970 */
	uint64_t puts;       /* records put since the last scan */
	uint64_t reports;    /* that brought them, at least */
};

enum services_order {
	SERVICES_BY_OVERLOAD,
	SERVICES_BY_ERRORS,
	SERVICES_BY_REPORTS,
	SERVICES_BY_RECORDS,
	SERVICES_BY_KEYS,
	SERVICES_BY_SUCC,
	SERVICES_BY_NUMBER,
	SERVICES_ORDERS
};

/* services_order_name - as in "errors". */
const char *services_order_name(enum services_order order);

struct services; /* what is remembered from scan to scan */

/* What a scan found. */
struct services_result {
	const struct service *list; /* sorted; until the next scan */
	unsigned count;
	uint64_t keys, dirty; /* of the services that the filter takes */
	uint64_t beyond;      /* keys of services that are not listed */
	bool cut;             /* overloaded or reports are too low somewhere */
	double seconds;       /* since the last scan; 0: this is the first */
	unsigned unread;      /* segments that could not be read */
};

/* services_new - memory for scans: a fixed part, and four bytes for each slot
   of the tables that are scanned.  Returns NULL if out of memory. */
struct services *services_new(void);

/* services_scan - scan INSTANCE now.  now_ms: a monotonic clock.  Returns
   SHM_OK, or why the master's segment cannot be read (SHM_SYSTEM: see errno);
   then the scan is empty. */
enum shm_status services_scan(struct services *services, const char *instance,
    const struct keys_filter *filter, enum services_order order,
    uint64_t now_ms, struct services_result *result);

/* services_free - free all that is remembered; NULL is allowed. */
void services_free(struct services *services);
