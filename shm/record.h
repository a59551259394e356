/* SPDX-License-Identifier: MIT
 *
 * The record: one result of a report together with the report's own fields,
 * that is one row of ServerCallStatus.  It is the unit that travels: decoded
 * once, copied into a ring once, copied into a pending table once.
 *
 * Shared memory holds records, so this layout is part of the segment format:
 * see "if you change this" in segment.h.
 */
#ifndef REPORTER_RECORD_H
#define REPORTER_RECORD_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Greatest time a record can hold: 40 bits of seconds since 1970. */
#define RECORD_TS_MAX ((UINT64_C(1) << 40) - 1)

/*
 * 32 bytes, so that two share a cache line.  The time is cut in two parts to
 * get there; use record_ts() and record_set_ts().
 */
struct record {
	int32_t modid;   /* service number */
	int32_t cmdid;   /* function number */
	uint32_t ip;     /* IPv4 address of the called server, as a number */
	uint32_t caller; /* IPv4 address of the agent, as a number */
	uint32_t succ;   /* calls that succeeded in the reported interval */
	uint32_t err;    /* calls that failed in it */
	uint16_t port;   /* port of the called server */
	uint8_t
	    overload;    /* 0, or 1: the agent takes the server as overloaded */
	uint8_t ts_high; /* seconds since 1970, bits 32 to 39 */
	uint32_t ts_low; /* seconds since 1970, bits 0 to 31 */
};

static_assert(sizeof(struct record) == 32, "part of the segment format");

/* record_ts - the record's time, seconds since 1970. */
static inline uint64_t
record_ts(const struct record *r)
{
	return (uint64_t)r->ts_high << 32 | r->ts_low;
}

/* record_set_ts - set the time; ts is at most RECORD_TS_MAX. */
static inline void
record_set_ts(struct record *r, uint64_t ts)
{
	r->ts_low = (uint32_t)ts;
	r->ts_high = (uint8_t)(ts >> 32);
}

/*
 * record_compare - order by primary key: modid, cmdid, ip, port, caller.
 * Returns less than, equal to or greater than 0.
 */
static inline int
record_compare(const struct record *a, const struct record *b)
{
	if (a->modid != b->modid)
		return a->modid < b->modid ? -1 : 1;
	if (a->cmdid != b->cmdid)
		return a->cmdid < b->cmdid ? -1 : 1;
	if (a->ip != b->ip)
		return a->ip < b->ip ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return (a->caller > b->caller) - (a->caller < b->caller);
}

#endif
