/* SPDX-License-Identifier: MIT
 *
 * Looks at tables that a suite fills itself, of an instance of its own: set
 * `instance` first.
 */
#pragma once

#include "status/look.h"
#include "instance_fixture.h"
#include "suite.h"

#define NOW UINT64_C(1700000000)
#define HORIZON UINT64_C(2000000000)

static char instance[INSTANCE_MAX];
static struct segment master;
static struct worker_segment segment;
static struct look *look;
static const struct look_limits limits = { LOOK_FRESH_S, LOOK_SILENT_S };

static inline void
make(uint64_t generation, uint32_t keys)
{
	struct segment_spec spec = instance_spec(instance);

	spec.generation = generation;
	spec.table_keys = keys;
	ck_assert_int_eq(segment_create_worker(&segment, &spec), SHM_OK);
}

static inline void
begin(uint32_t keys)
{
	instance_remove(instance);
	ck_assert_int_eq(segment_create_master(&master, instance), SHM_OK);
	make(1, keys);
	look = NULL;
}

/* The tables as after a restart: empty. */
static inline void
begin_again(void)
{
	segment_remove(segment.map.name);
	segment_close(&segment.map);
	make(1, 1024);
}

/* A record of that age at NOW. */
static inline struct record
record(int32_t modid, uint32_t ip, uint32_t caller, int64_t age)
{
	struct record r = { .modid = modid,
		.cmdid = 1,
		.ip = ip,
		.port = 80,
		.caller = caller,
		.succ = 10 };

	record_set_ts(&r, (uint64_t)((int64_t)NOW - age));
	return r;
}

static inline void
put_record(struct record r)
{
	ck_assert_uint_eq(table_put(&segment.table, &r, 1, HORIZON), 1);
}

static inline void
put(int32_t modid, uint32_t ip, uint32_t caller, int64_t age, bool overload)
{
	struct record r = record(modid, ip, caller, age);

	r.overload = overload;
	put_record(r);
}

/* Look at so many seconds after NOW. */
static inline void
take(int64_t seconds)
{
	struct look *previous = look;

	ck_assert_int_eq(look_new(&look, instance, previous, &limits,
			     (NOW + (uint64_t)seconds) * 1000),
	    SHM_OK);
	look_free(previous);
}

static inline const struct look_service *
service(int32_t modid)
{
	const struct look_service *s = look_find(look, modid, 1);

	ck_assert_ptr_nonnull(s);
	return s;
}

static inline const struct look_server *
server(int32_t modid, uint32_t ip)
{
	const struct look_server *s =
	    look_find_server(look, service(modid), ip, 80);

	ck_assert_ptr_nonnull(s);
	return s;
}

static inline void
end(void)
{
	look_free(look);
	segment_close(&segment.map);
	segment_close(&master);
	instance_remove(instance);
}
