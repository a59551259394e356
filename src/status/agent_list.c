/* SPDX-License-Identifier: MIT
 *
 * Lists of connected agents.  Own their memory; map segments for the length of
 * a read.  Failures are returned, or left in the stream.
 */
#include "config.h"

#include "status/agent_list.h"
#include "lib/address.h"
#include "lib/prefix.h"
#include "shm/keep_errno.h"
#include "status/status.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <time.h>

static const struct sockaddr *
peer(const struct agent *a)
{
	return (const struct sockaddr *)a->peer;
}

/* --------------------------------------------------------------- sorting -- */

enum column {
	ADDRESS,
	DIALECT,
	SINCE,
	REPORTS,
	RECORDS,
	REJECTED,
	CLOCK_OFFSET,
	THROTTLED,
	HELD,
	CALLER,
	COLUMNS
};
static const char *const names[COLUMNS] = { "address", "dialect", "since",
	"reports", "records", "rejected", "clock_offset", "throttled", "held",
	"caller" };

int
agent_column(const char *name)
{
	for (int i = 0; i < COLUMNS; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

/* What a column sorts by. */
static int64_t
value(const struct agent *a, int column)
{
	uint64_t rejected = 0;

	switch ((enum column)column) {
	case DIALECT:
		return (int64_t)a->dialect;
	case SINCE:
		return (int64_t)a->since;
	case REPORTS:
		return (int64_t)a->reports;
	case RECORDS:
		return (int64_t)a->records;
	case REJECTED:
		for (int i = 0; i < REJECT_REASONS; i++)
			rejected += a->rejected[i];
		return (int64_t)rejected;
	case CLOCK_OFFSET:
		return a->clock_offset;
	case THROTTLED:
		return a->throttled_since == 0 ? INT64_MIN
					       : -(int64_t)a->throttled_since;
	case HELD:
		return (int64_t)a->held;
	case CALLER:
		return (int64_t)a->caller;
	case ADDRESS:
	case COLUMNS:
		break;
	}
	return 0;
}

/* A comparison for qsort_r(). */
static int
compare(const void *a, const void *b, void *column)
{
	int64_t m = value(a, *(int *)column), n = value(b, *(int *)column);
	int family = AF_UNSPEC, others = AF_UNSPEC;

	if (m != n)
		return m > n ? -1 : 1;
	const uint8_t *x = prefix_peer_bytes(peer(a), &family);
	const uint8_t *y = prefix_peer_bytes(peer(b), &others);
	if (family != others || x == NULL || y == NULL)
		return (family > others) - (family < others);
	int order = memcmp(x, y, family == AF_INET ? 4 : 16);
	/* In both kinds the port is where it is in an IPv4 one. */
	return order != 0
		   ? order
		   : memcmp(&((const struct sockaddr_in *)peer(a))->sin_port,
			 &((const struct sockaddr_in *)peer(b))->sin_port,
			 sizeof(in_port_t));
}

/* --------------------------------------------------------------- reading -- */

/* Copy the rows that are taken. */
static enum shm_status
rows_copy(struct agent_list *list, const struct agents *agents)
{
	uint64_t rows = counter_get(&agents->shared->used);

	if (rows > agents->shared->header.table_keys)
		return SHM_DAMAGED;
	list->unlisted = counter_get(&agents->shared->unlisted);
	list->agents = calloc(rows + 1, sizeof(*list->agents));
	if (list->agents == NULL)
		return SHM_SYSTEM;
	for (uint64_t i = 0; i < rows; i++)
		list->count +=
		    agents_read(agents, i, &list->agents[list->count]);
	return SHM_OK;
}

enum shm_status
agent_list_read(struct agent_list *list, const char *instance, int column)
{
	struct segment master;
	struct agents agents;
	enum shm_status found =
	    segment_open_master(&master, instance, SEGMENT_READ);

	*list = (struct agent_list){ .now = (uint64_t)time(NULL) };
	if (found != SHM_OK)
		return found;
	if (status_running(&master))
		found = agents_open(&agents, instance, master.owner);
	else
		found = SHM_MISSING;
	KEEP_ERRNO(segment_close(&master));
	if (found != SHM_OK)
		return found;
	found = rows_copy(list, &agents);
	KEEP_ERRNO(segment_close(&agents.map));
	if (found == SHM_OK)
		qsort_r(list->agents, list->count, sizeof(*list->agents),
		    compare, &column);
	return found;
}

void
agent_list_free(struct agent_list *list)
{
	free(list->agents);
}

/* --------------------------------------------------------------- writing -- */

/* Texts of an agent's columns that may have none, in JSON or not. */
struct texts {
	char address[ADDRESS_TEXT], since[24], clock_offset[24], throttled[24],
	    caller[24];
};

static void
texts_fill(struct texts *t, const struct agent_list *list,
    const struct agent *a, bool json)
{
	const char *none = json ? "null" : "-", *quote = json ? "\"" : "";
	time_t since = (time_t)a->since;
	unsigned caller = (unsigned)a->caller;
	struct tm tm;

	address_text(peer(a), t->address);
	strftime(t->since, sizeof(t->since), "%Y-%m-%dT%H:%M:%S",
	    localtime_r(&since, &tm));
	snprintf(t->clock_offset, sizeof(t->clock_offset), "%" PRId64,
	    a->clock_offset);
	snprintf(t->throttled, sizeof(t->throttled), "%" PRIu64,
	    list->now > a->throttled_since ? list->now - a->throttled_since
					   : 0);
	snprintf(t->caller, sizeof(t->caller), "%s%u.%u.%u.%u%s", quote,
	    caller >> 24, caller >> 16 & 0xff, caller >> 8 & 0xff,
	    caller & 0xff, quote);
	if (a->clock_offset == AGENT_NO_OFFSET)
		strcpy(t->clock_offset, none);
	if (a->throttled_since == 0)
		strcpy(t->throttled, none);
	if (a->reports == 0)
		strcpy(t->caller, none);
}

void
agent_list_text(const struct agent_list *list, size_t max, FILE *out)
{
	struct texts t;

	fprintf(out, "%-21s %-7s %-19s %10s %11s %12s %9s %6s %-15s %s\n",
	    "ADDRESS", "DIALECT", "SINCE", "REPORTS", "RECORDS", "CLOCK_OFFSET",
	    "THROTTLED", "HELD", "CALLER", "REJECTED");
	for (size_t i = 0; i < list->count && i < max; i++) {
		const struct agent *a = &list->agents[i];

		texts_fill(&t, list, a, false);
		fprintf(out,
		    "%-21s %-7s %-19s %10" PRIu64 " %11" PRIu64
		    " %12s %9s %6" PRIu64 " %-15s %" PRId64,
		    t.address, dialect_name(a->dialect), t.since, a->reports,
		    a->records, t.clock_offset, t.throttled, a->held, t.caller,
		    value(a, REJECTED));
		for (int r = 0; r < REJECT_REASONS; r++)
			if (a->rejected[r] != 0)
				fprintf(out, " %s=%" PRIu64,
				    reject_name((enum reject)r),
				    a->rejected[r]);
		putc('\n', out);
	}
}

void
agent_list_json(const struct agent_list *list, size_t max, FILE *out)
{
	struct texts t;

	fputs("{\"agents\":[", out);
	for (size_t i = 0; i < list->count && i < max; i++) {
		const struct agent *a = &list->agents[i];

		texts_fill(&t, list, a, true);
		fprintf(out,
		    "%s\n{\"address\":\"%s\",\"dialect\":\"%s\","
		    "\"since\":%" PRIu64 ",\"reports\":%" PRIu64
		    ",\"records\":%" PRIu64 ",\"clock_offset\":%s,"
		    "\"throttled\":%s,\"held\":%" PRIu64
		    ",\"caller\":%s,\"rejected\":{",
		    i > 0 ? "," : "", t.address, dialect_name(a->dialect),
		    a->since, a->reports, a->records, t.clock_offset,
		    t.throttled, a->held, t.caller);
		for (int r = 0; r < REJECT_REASONS; r++)
			fprintf(out, "%s\"%s\":%" PRIu64, r > 0 ? "," : "",
			    reject_name((enum reject)r), a->rejected[r]);
		fputs("}}", out);
	}
	fprintf(out, "],\n\"more\":%s,\"unlisted\":%" PRIu64 "}\n",
	    list->count > max ? "true" : "false", list->unlisted);
}
