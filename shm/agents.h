/* SPDX-License-Identifier: MIT
 *
 * The agents that are connected: a segment of the master's with a row for each
 * connection, up to AGENTS_MAX of them.
 *
 *   /reporter.INSTANCE.agents
 *
 *     0        struct agents_shared: header, counts
 *     page     rows                    header.table_keys x 192 bytes
 *
 * It is made when the master starts, in place of one that a killed master left,
 * and removed when it ends.  The master's loop is the only writer.  A row's
 * version is odd while the row is taken, freed or changed as a whole, so
 * readers never see parts of two connections.  Figures are written in place
 * while the connection is read, without a change of the version.
 *
 * Part of the segment format: see "if you change this" in segment.h.
 */
#pragma once

#include "shm/segment.h"

#define AGENTS_MAX 65536
#define AGENT_NONE ((uint64_t)INT64_MIN) /* for a word that has no value */

enum dialect {
	DIALECT_UNKNOWN, /* too few bytes so far */
	DIALECT_NATIVE,
	DIALECT_LARS,
	DIALECT_ELB
};

/* What is known of a connection.  It may be copied as a whole.  All words are
   read as signed numbers. */
struct agent {
	uint64_t reports, records; /* taken */
	uint64_t held;             /* bytes in its input buffer */
	uint64_t clock_offset; /* ts of its last report less our time, seconds;
				  or AGENT_NONE */
	uint64_t caller;       /* of its last report, or AGENT_NONE */
	uint64_t dialect;      /* enum dialect */
	uint64_t throttled_since; /* as of counters.h, or AGENT_NONE */
	uint64_t rejected_sum;
	uint64_t rejected[REJECT_REASONS]; /* records and reports */
	uint64_t since;                    /* as of counters.h */
	uint64_t peer[4]; /* struct sockaddr_in or _in6; the rest is 0 */
};

struct agent_row {
	alignas(CACHE_LINE) counter version;
	struct agent agent;
};
static_assert(sizeof(struct agent_row) == 192, "part of the format");

struct agents_shared {
	struct segment_header header;
	counter unlisted; /* connections that found no free row, a gauge */
};

struct agents {
	struct segment map;
	struct agents_shared *shared;
	struct agent_row *rows;
	/* The writer's: one of the rows that are free again, plus 1, and how
	   many were ever taken. */
	uint64_t free, used;
};

/* agents_create - for the master: create the segment with this number of rows,
   1 to AGENTS_MAX, readable by a group as with segment_share().  Children of
   fork(2) do not have it mapped.  Results as of segment_create_master(). */
enum shm_status agents_create(
    struct agents *agents, const char *instance, uint32_t rows, gid_t readers);

/* agents_renew - create it again after it was removed, see segment_renew(). */
enum shm_status agents_renew(struct agents *agents, gid_t readers);

/* agents_remove - unmap and remove it; nothing if none was created. */
void agents_remove(struct agents *agents);

/* agents_take - show this agent in a free row.  Returns its figures there,
   until agents_free(); or NULL if all rows are taken: then it counts as
   unlisted until agents_free(agents, NULL). */
struct agent *agents_take(struct agents *agents, const struct agent *agent);
void agents_free(struct agents *agents, struct agent *shown);

/* agents_change - show another agent in a row that is taken. */
void agents_change(struct agent *shown, const struct agent *agent);

/* agent_set, agent_add - change a figure of a row in place. */
static inline void
agent_set(uint64_t *figure, uint64_t value)
{
	__atomic_store_n(figure, value, __ATOMIC_RELAXED);
}

static inline void
agent_add(uint64_t *figure, uint64_t n)
{
	agent_set(figure, *figure + n);
}

/* agents_open - for readers: map it read-only if it is this owner's.  Results
   as of segment_open_worker(). */
enum shm_status agents_open(
    struct agents *agents, const char *instance, uid_t owner);

/* agents_read - copy row i, 0 to header.table_keys - 1.  Any process.  Returns
   false if no agent is there, or the row is never at rest. */
bool agents_read(const struct agents *agents, uint64_t i, struct agent *agent);

/* dialect_name - as in "native". */
const char *dialect_name(uint64_t dialect);
