/* SPDX-License-Identifier: MIT
 *
 * The record: one result of a report together with the report's own fields,
 * that is one row of ServerCallStatus.  It is the unit that travels: decoded
 * once, copied into a ring once, copied into a pending table once.
 *
 * Shared memory holds records, so this layout is part of the segment format:
 * see "if you change this" in segment.h.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Greatest time a record can hold: 40 bits of seconds since 1970. */
#define RECORD_TS_MAX ((UINT64_C(1) << 40) - 1)

/* 32 bytes, so that two share a cache line.  The time is cut in two parts to
   get there; use record_ts() and record_set_ts(). */
struct record {
	int32_t modid;   /* service number */
	int32_t cmdid;   /* function number */
	uint32_t ip;     /* of the called server, see record_address() */
	uint32_t caller; /* IPv4 address of the agent, as a number */
	uint32_t succ;   /* calls that succeeded in the reported interval */
	uint32_t err;    /* calls that failed in it */
	uint16_t port;   /* port of the called server */
	uint8_t overload : 1; /* the agent takes the server as overloaded */
	uint8_t elb : 1;      /* from an ELB agent, see record_address() */
	uint8_t unused : 6;   /* 0 in every record */
	uint8_t ts_high;      /* seconds since 1970, bits 32 to 39 */
	uint32_t ts_low;      /* seconds since 1970, bits 0 to 31 */
};

static_assert(sizeof(struct record) == 32, "part of the segment format");
static_assert(offsetof(struct record, ts_high) == 27, "one byte of flags");

/* record_address - the called server's address as a number, for people.  ELB
   agents send ip as an in_addr's s_addr, which on their machines has its bytes
   reversed; it is stored so, since ELB's own tools read the table. */
static inline uint32_t
record_address(const struct record *r)
{
	return r->elb ? __builtin_bswap32(r->ip) : r->ip;
}

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

/* record_compare - order by primary key: modid, cmdid, ip, port, caller.
   Returns less than, equal to or greater than 0. */
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

__extension__ typedef unsigned __int128 uint128;

/* mix - the step of a keyed hash: both halves of a product, laid over each
   other, as of Wang Yi's wyhash (public domain). */
static inline uint64_t
mix(uint64_t a, uint64_t b)
{
	uint128 product = (uint128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}
