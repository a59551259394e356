/* SPDX-License-Identifier: MIT
 *
 * A look: all keys of an instance at one moment, summed up by service and by
 * server, and how old they are.  It is made by one walk, and nothing in it
 * changes afterwards: any thread may read it.
 *
 * This is where records age: an agent that is dead cannot take back what it
 * reported, so only fresh records show overload and errors.
 */
#pragma once

#include "status/scan.h"

#include <stdio.h>

#define LOOK_SERVICES_MAX (1u << 22)
#define LOOK_SERVERS_MAX (1u << 24)
#define LOOK_FLIPS_MAX 4096
#define LOOK_FRESH_S 45 /* defaults of struct look_limits */
#define LOOK_SILENT_S 300
#define LOOK_AGE_MAX_S (366 * 86400) /* that a limit may be */
#define LOOK_FORGOTTEN_S 86400       /* an older record is left out */
#define LOOK_NEW_MS 300000           /* how long an overload counts as new */

/* The max age of a fresh record, and of a late one; an older one is silent.
   Seconds, fresh_s <= silent_s. */
struct look_limits {
	uint32_t fresh_s, silent_s;
};

/* look_limit - take -F or -S of a command line into limits.  Returns whether
   its value, TEXT, is valid; if not, that is printed to stderr.
   look_limits_ok - the same, whether the two agree. */
bool look_limit(struct look_limits *limits, int option, const char *text);
bool look_limits_ok(const struct look_limits *limits);

enum look_age {
	AGE_FRESH,
	AGE_LATE,
	AGE_SILENT,
	AGES
};

/* Of a service or a server: the first that applies. */
enum look_state {
	LOOK_OVERLOADED, /* a fresh record reports overload */
	LOOK_ERRORS,     /* 5 % of 20 or more calls of fresh records */
	LOOK_SILENT,     /* all records are silent */
	LOOK_LATE,       /* none is fresh */
	LOOK_FINE,
	LOOK_STATES
};

/* What a service and each of its servers has.  Its age is that of its newest
   record, and its sums are over the records of that age alone.  Counts are of
   what is not silent; of a silent one, of all. */
struct look_sum {
	uint64_t newest_ts; /* seconds since 1970 */
	uint64_t succ, err;
	int64_t since_ms; /* overloaded since, ms since 1970; -1: it is not */
	bool since_known; /* false: it began before since_ms, the first look */
	uint8_t state;    /* enum look_state */
	uint8_t age;      /* enum look_age, of the newest record */
	uint32_t callers; /* agents that reported it */
	uint32_t reports; /* since the look before, or more: see look.c */
	uint32_t rate;    /* of these, for look_rate() */
	uint32_t stale;   /* a service's servers, a server's callers, with an
			     overload that is late or silent */
};

struct look_server {
	struct look_sum sum;
	int32_t modid, cmdid; /* its service */
	uint32_t ip;          /* for people, see record_address() */
	uint16_t port;
	uint32_t service;       /* place in the array of services */
	uint32_t overloaded_by; /* callers whose fresh record reports it */
	uint32_t first, keys;   /* its slots, see look_keys() */
};

struct look_service {
	struct look_sum sum;
	int32_t modid, cmdid;
	uint32_t servers;    /* see struct look_sum */
	uint32_t overloaded; /* of these */
	uint32_t keys;
	uint32_t records; /* that came since the look before */
	/* Where its servers and callers begin in those of the look. */
	uint32_t first, all_servers;
	uint32_t first_caller, all_callers;
};

/* One agent, as it reported one service. */
struct look_caller {
	uint64_t newest_ts;
	uint32_t address;
	uint32_t service; /* place in the array of services */
	uint32_t keys;
	uint32_t records; /* of its most frequent server, since the look
			     before */
};

/* A server's overload that began or ended between the look before and this. */
struct look_flip {
	int32_t modid, cmdid;
	uint32_t ip;
	uint16_t port;
	bool overloaded;
	uint32_t callers; /* that report it; of an end: that reported it */
};

/* The whole of it. */
struct look_totals {
	uint64_t number; /* 1 for the first look; grows by 1 */
	uint64_t now_ms; /* as of, ms since 1970 */
	double seconds;  /* since the look before; 0: there was none */
	double walk_ms;  /* processor time that it took */
	struct look_limits limits;
	uint64_t services, servers, keys;
	uint64_t by_state[LOOK_STATES]; /* services */
	uint64_t overloaded_servers;
	uint64_t new_overloaded; /* services, see LOOK_NEW_MS */
	uint64_t callers, callers_by_age[AGES];
	uint64_t reports, records; /* since the look before */
	uint64_t rate;             /* of reports, for look_rate() */
	unsigned unread;           /* segments that could not be read */
	bool truncated;            /* there are more services or servers */
};

/* An array in memory of its own, which goes back to the system at once. */
struct area {
	void *at;
	size_t count, room; /* items, bytes */
};

struct look {
	struct look_totals totals;
	/* In order of their numbers and addresses: totals.services services;
	   the servers and the callers of each next to each other. */
	struct look_service *services;
	struct look_server *servers;
	struct look_caller *callers;
	struct area flips; /* struct look_flip; none of the first look */
	/* The rest is for the files that make looks. */
	uint64_t made_ms; /* monotonic */
	struct area items[4];
	/* uint32_t, of each server next to each other; each with the base of
	   its segment.  The first says how many looks share them. */
	struct area slots;
	unsigned segments;
	uint64_t ids[SCAN_SEGMENTS_MAX]; /* of segments */
	uint32_t base[SCAN_SEGMENTS_MAX];
	/* struct note, of each slot.  The next look takes them
	   away, which nobody else reads. */
	struct area notes[SCAN_SEGMENTS_MAX];
};

/* look_new - look at INSTANCE now.  now_ms: the time, ms since 1970.
   previous: the look before, or NULL; rates and `since` come from it.  It stays
   readable for other threads and its owner frees it, after this returned; one
   look is the previous of one other at a time.
   Returns SHM_OK, and *look for look_free(); or why the master's segment cannot
   be read (SHM_SYSTEM: see errno, which is ENOMEM without memory). */
enum shm_status look_new(struct look **look, const char *instance,
    struct look *previous, const struct look_limits *limits, uint64_t now_ms);

/* look_free - NULL is allowed. */
void look_free(struct look *look);

/* look_find - a service, or NULL. */
const struct look_service *look_find(
    const struct look *look, int32_t modid, int32_t cmdid);

/* look_find_server - a server of a service, or NULL. */
const struct look_server *look_find_server(const struct look *look,
    const struct look_service *service, uint32_t ip, uint16_t port);

/* look_keys - read a server's keys again, up to max of them, as they are now.
   Returns how many; fewer than server->keys when some have gone or INSTANCE
   cannot be read any more. */
size_t look_keys(const struct look *look, const char *instance,
    const struct look_server *server, struct scan_key *keys, size_t max);

/* look_visit - visit the keys of count servers as they are now, until visit()
   returns false.  scan: for its own use; of it unread is left.  Returns SHM_OK,
   or why INSTANCE cannot be read, as scan_open() does. */
enum shm_status look_visit(const struct look *look, struct scan *scan,
    const char *instance, const struct look_server *servers, size_t count,
    bool (*visit)(void *arg, const struct scan_key *key), void *arg);

/* ------------------------------------------------------------- figures ---- */

/* look_age - seconds from ts (since 1970) to now_ms, not below 0. */
double look_age(uint64_t now_ms, uint64_t ts);

/* look_age_of - of a record with that ts. */
enum look_age look_age_of(
    const struct look_limits *limits, uint64_t now_ms, uint64_t ts);

/* look_age_name, look_state_name - as in "silent", "overloaded". */
const char *look_age_name(enum look_age age);
const char *look_state_name(enum look_state state);

/* look_error_share - err of succ + err of a fresh service or server, 0 to 1;
   -1: no fresh record has a call. */
double look_error_share(const struct look_sum *sum);

/* look_rate - a member rate as reports per second, smoothed over half a minute;
   -1: it is the first look. */
double look_rate(const struct look *look, uint64_t rate);

/* look_hash - a hash whose secrets are this process's own: agents cannot choose
   numbers that meet.  Any thread. */
uint32_t look_hash(uint64_t a, uint64_t b);

/* -------------------------------------------------------------- orders ---- */

/* Each puts the greatest, oldest or latest first, and then goes by number. */
enum look_order {
	LOOK_BY_TROUBLE,
	LOOK_BY_ERRORS, /* share */
	LOOK_BY_REPORTS,
	LOOK_BY_SERVERS,
	LOOK_BY_OVERLOADED,
	LOOK_BY_SINCE, /* the latest first, then what is not overloaded */
	LOOK_BY_AGE,
	LOOK_BY_NUMBER,
	LOOK_BY_RECORDS,
	LOOK_BY_KEYS,
	LOOK_BY_SUCC,
	LOOK_BY_CALLERS,
	LOOK_ORDERS
};

/* What look_order_find() takes, for messages. */
#define LOOK_ORDER_NAMES \
	"trouble, errors, reports, servers, overloaded, since, age, number, " \
	"records, keys, succ or callers"

/* look_order_name - as in "errors". */
const char *look_order_name(enum look_order order);

/* look_order_find - by name; "overload" is "overloaded".  LOOK_ORDERS: none. */
enum look_order look_order_find(const char *name);

/* look_sort - places of services in that order, of those for which match()
   returns true; match NULL: of all.  *count: how many.  Returns an array for
   free(); NULL without memory. */
uint32_t *look_sort(const struct look *look, enum look_order order,
    bool (*match)(void *arg, const struct look_service *service), void *arg,
    size_t *count);

/* What a service or server is sorted by: the greater comes first, then by
   number, which is the address of a server. */
struct look_rank {
	double by[3];
	int64_t number;
	uint32_t place; /* for look_sort() */
};

/* look_rank - the rank of a service in an order, without its place. */
struct look_rank look_rank(const struct look *look, enum look_order order,
    const struct look_service *service);

/* look_sorted_after - where in an array of look_sort() those begin that come
   after this rank, of this look or of one before. */
size_t look_sorted_after(const struct look *look, enum look_order order,
    const uint32_t *places, size_t count, const struct look_rank *last);

/* look_sort_servers - likewise the servers of a service, as places in
   look->servers from its first on; trouble first. */
uint32_t *look_sort_servers(
    const struct look *look, const struct look_service *service);

/* ---------------------------------------------------------- for machines -- */

struct names;

/* look_prometheus - write what a look adds to status_prometheus(). */
void look_prometheus(const struct look *look, FILE *out);

#define LOOK_PROMETHEUS_SERVICES 1000      /* the default limit */
#define LOOK_PROMETHEUS_SERVICES_MAX 10000 /* 7 MB */

/* look_prometheus_services - series of each service, of those first that are in
   trouble, up to limit of them.  names: NULL is allowed.  Returns false without
   memory; then nothing was written. */
bool look_prometheus_services(const struct look *look,
    const struct names *names, size_t limit, FILE *out);
