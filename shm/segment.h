/* SPDX-License-Identifier: MIT
 *
 * Segments: named pieces of POSIX shared memory that describe themselves, so
 * that a worker can drain one made under an earlier configuration, a new
 * master can adopt what a killed one left, and a reader can attach read-only.
 *
 *   /reporter.INSTANCE                    the master's, struct master_shared
 *   /reporter.INSTANCE.GENERATION.SLOT    a worker's, laid out as
 *
 *     0        struct worker_shared: header, words of each side, counters
 *     page     records of the ring     ring_records x 32 bytes
 *     page     slots of the table      table_slots(table_keys) x 40 bytes
 *     page     dirty map               one byte a slot
 *
 *   /reporter.INSTANCE.GENERATION.SLOT.secret
 *
 *     0        16 bytes, random: the secrets of the table's hash.  An object
 *              of its own, since reporter.group may read the segments: whoever
 *              knows these can choose keys that meet in the table, and whoever
 *              can open a file can lock it.  Made before its segment is ready,
 *              removed after it; the master's segment has one for its lock.
 *
 *   /reporter.INSTANCE.agents             see agents.h
 *
 * If you change this (or record.h, ring.h, table.h, counters.h, history.h,
 * agents.h):
 *   1. change SEGMENT_VERSION;
 *   2. fix the static asserts on sizes and offsets;
 *   3. fix segment_check(), the drawing above, and t/offsets.c;
 *   4. say in NEWS that an upgrade requires a clean stop first, since segments
 *      of the old layout are set aside and not adopted.
 * A reserved word may come into use without that, if 0 is a valid value of it.
 *
 * Who releases a word, who acquires it, and what that licenses.  Words that
 * are not listed are plain figures: relaxed, true of an instant, and nothing
 * is concluded from them about others.  Words that a process leaves for its
 * successor (suspect, trial, retirement) need no order: the lock or waitpid()
 * lies between.
 *
 *   word               released by       acquired by        and then are seen
 *   ready              maker             who opens it       the header
 *   ring head          master            drain, readers     records before it
 *   ring tail          drain             master, readers    the worker is done
 *                                                           with records before
 *   command, doorbell  master            drain              the command; all
 *                                                           published and
 *                                                           reopened before
 *   sleeping           drain: seq_cst fences on both sides, see ring_alert()
 *   slot state         drain (written),  flush, readers     the slot's words
 *                      flush (clean)
 *   dirty map          drain, flush      flush              the version marked
 *   stored,            flush             drain, readers     `added` of these
 *   dead_letter                                             records
 *   last_error_version flush             readers            the error's text
 *   history taken      master            readers            the samples
 *   agent version      master            readers            the row's words
 *   info.pid           worker            master, readers    checked_in is 0, or
 *                                                           of this worker
 *   checked_in         worker            master             the worker's start
 *   child state        master            readers            the entry's words
 *   master pid         master            readers, others'   the instance's
 *                                        masters            words; 0: its end
 *   oldest_generation  master            flush              the older ones are
 *                                                           stored
 *   reopens            master            workers, readers   the outcome
 *   info.reopens       drain             readers            the outcome
 *
 * The library returns codes; it never logs and never exits.
 */
#pragma once

#include "shm/history.h"
#include "shm/ring.h"
#include "shm/table.h"

#include <sys/types.h>

#define SEGMENT_MAGIC UINT64_C(0x6765737274707200) /* "\0rptrseg" */
#ifndef SEGMENT_VERSION /* a test builds another one */
#define SEGMENT_VERSION 11
#endif

#define SHM_DIR "/dev/shm"
#define SEGMENT_ANYBODY ((uid_t)-1) /* for segment_list() */

#define INSTANCE_MAX 32      /* bytes of an instance's name, with the 0 */
#define SEGMENT_NAME_MAX 96  /* bytes of a segment's name, with the 0 */
#define RELOAD_TEXT_MAX 4096 /* bytes of a reload's messages, with the 0 */
#define WORKERS_MAX 64       /* workers of one generation */
#define CHILDREN_MAX 256     /* workers of all generations */

enum segment_kind {
	SEGMENT_MASTER = 1,
	SEGMENT_WORKER = 2,
	SEGMENT_AGENTS = 3
};

#define SEGMENT_AGENTS_ROWS 4096 /* where its rows begin, bytes */

/* The result of a call. */
enum shm_status {
	SHM_OK,
	SHM_MISSING,    /* there is no such segment */
	SHM_EXISTS,     /* there is one already */
	SHM_UNFINISHED, /* its maker died before it was ready: holds nothing */
	SHM_VERSION,    /* another layout version */
	SHM_DAMAGED,    /* it contradicts itself */
	SHM_FOREIGN,    /* owned by another user, or writable by others */
	SHM_NO_SPACE,   /* /dev/shm has not so much room */
	SHM_BUSY,       /* another process holds its lock */
	SHM_SYSTEM      /* a system call failed: see errno */
};

/* shm_strerror - a short English text.  error: errno after the call, which
   gives the text of SHM_SYSTEM. */
const char *shm_strerror(enum shm_status status, int error);

/* Written once, before `ready`; then constant. */
struct segment_header {
	uint64_t magic;
	uint32_t version; /* SEGMENT_VERSION of the maker */
	uint32_t kind;    /* enum segment_kind */
	uint64_t size;    /* of the whole segment, bytes */
	uint64_t generation;
	uint32_t slot;         /* 0 to WORKERS_MAX - 1 */
	uint32_t workers;      /* how many slots its generation has */
	uint32_t ring_records; /* a power of two */
	uint32_t table_keys;   /* of the agents: rows */
	uint64_t id;           /* random: tells this segment from all others */
	uint64_t created;      /* seconds since 1970 */
	char instance[INSTANCE_MAX];
	uint64_t check;         /* hash of all above */
	_Atomic uint32_t ready; /* 1 when the segment may be used */
	uint32_t huge_mib;      /* in huge pages when it was created */
	uint32_t reserve[4];
};
static_assert(sizeof(struct segment_header) == 128, "part of the format");

/* Written by the worker that has the segment, before its threads start. */
struct worker_info {
	alignas(CACHE_LINE) _Atomic int32_t pid;
	_Atomic uint32_t checked_in; /* 1: its threads run */
	counter started;             /* as of counters.h: a ..._ts */
	counter poisoned; /* records set aside because they killed workers */
	/* Words of the trial, see src/worker/trial.h. */
	counter suspect; /* ring index being drained, plus 1 */
	counter suspect_deaths;
	counter suspect_slot; /* first table slot being flushed, plus 1 */
	counter trial_slot;   /* the one that the deaths below are of */
	counter trial_slot_deaths;
	/* The database session: its number, and a hash that tells it from
	   others of that number; 0: none. */
	counter session, session_mark;
	struct process_counters process; /* written by the drain */
	/* The last reopening of the log, as the master numbers them, that its
	   descriptor comes from, and errno of it; written by the drain. */
	counter reopens, reopen_error;
	counter reserve[6];
};
static_assert(sizeof(struct worker_info) == 192, "part of the format");

struct worker_shared {
	alignas(CACHE_LINE) struct segment_header header;
	struct ring_producer producer;
	struct ring_consumer consumer;
	struct drain_counters drain;
	struct flush_counters flush;
	struct worker_info info;
};
static_assert(sizeof(struct worker_shared) == 1344, "part of the format");

enum child_state {
	CHILD_NONE,      /* the entry is free */
	CHILD_STARTING,  /* forked, has not checked in */
	CHILD_RUNNING,   /* checked in */
	CHILD_FINISHING, /* storing its rest, then it exits */
	CHILD_WAITING,   /* not running; starts at not_before */
	CHILD_FAILED,    /* its configuration or segment is unusable */
	CHILD_STOPPING   /* commanded to end, then restarted */
};

/* child_state_name - the state's name in log, status and manual. */
const char *child_state_name(enum child_state state);

/* One worker as the master sees it.  Written by the master alone. */
struct child_entry {
	counter generation;
	_Atomic uint32_t slot;
	_Atomic uint32_t state; /* enum child_state */
	_Atomic int32_t pid;
	_Atomic uint32_t restarts; /* times started again after a death */
	counter not_before;        /* of the next start, milliseconds */
};
static_assert(sizeof(struct child_entry) == 32, "part of the format");

/* The segment that is being removed, and the totals with it; see
   src/master/retire.c.  Written by the master alone. */
struct retirement {
	counter slot; /* plus 1; 0: none is */
	counter generation;
	struct totals totals;
};
static_assert(sizeof(struct retirement) == 48, "part of the format");

struct master_shared {
	alignas(CACHE_LINE) struct segment_header header;
	struct input_counters input;
	alignas(
	    CACHE_LINE) _Atomic int32_t pid; /* 0 after a graceful shutdown */
	_Atomic uint32_t reload_failed; /* 1: the last reload was refused */
	counter started;                /* as of counters.h: a ..._ts */
	counter generation;             /* of the segments written to now */
	/* A worker stores records only when no generation older than its own
	   has any left: of two records with one ts, the later arrival must win.
	 */
	counter oldest_generation;
	char software[24]; /* the master's version, ended by a 0 */
	struct child_entry children[CHILDREN_MAX];
	struct history history;
	struct retirement retirement;
	/* What the last reload has logged as errors and warnings, in lines,
	   ended by a 0.  Read after the reload is counted. */
	char reload_text[RELOAD_TEXT_MAX];
};
static_assert(
    offsetof(struct master_shared, children) == 696, "part of the format");
static_assert(
    offsetof(struct master_shared, history) == 8896, "part of the format");

/* A mapped segment. */
struct segment {
	void *base; /* NULL: nothing is mapped */
	size_t size;
	int fd;      /* -1 when nothing is mapped */
	int lock;    /* of its secrets, which are locked; -1: not open */
	uid_t owner; /* whose it is, if it was opened */
	/* A copy that was checked.  Whoever can write to the segment can change
	   the header in it at any time: that is not read again. */
	struct segment_header header;
	char name[SEGMENT_NAME_MAX];
};

/* A mapped segment of a worker, with views of its parts. */
struct worker_segment {
	struct segment map;
	struct worker_shared *shared;
	struct ring ring;
	struct table table;
};

/* What a worker's segment is to be. */
struct segment_spec {
	const char *instance; /* letters, digits, - and _; INSTANCE_MAX */
	uint64_t generation;
	uint32_t slot, workers;
	uint32_t ring_records; /* RING_RECORDS_MIN to _MAX, a power of two */
	uint32_t table_keys;   /* TABLE_KEYS_MIN to _MAX */
};

enum segment_access {
	SEGMENT_READ, /* for readers: the mapping cannot be written */
	SEGMENT_WRITE
};

/* segment_instance_ok - whether NAME can be an instance's name. */
bool segment_instance_ok(const char *name);

/* segment_worker_size - bytes of a worker's segment of these sizes. */
uint64_t segment_worker_size(uint32_t ring_records, uint32_t table_keys);

/* segment_space - bytes that are free for segments now. */
uint64_t segment_space(void);

/* segment_create_worker - make a worker's segment and map it for writing.
   All its space is reserved, so that no later write can fail.  Called by the
   master.  SHM_EXISTS, SHM_NO_SPACE or SHM_SYSTEM: nothing was made.  Without
   random bytes of the kernel it is SHM_SYSTEM. */
enum shm_status segment_create_worker(
    struct worker_segment *segment, const struct segment_spec *spec);

/* segment_open_worker - map an existing one by name.  Any process.  For writing
   it must belong to our user and be writable by nobody else: anybody can make
   files under /dev/shm.  For reading it must belong to this owner, unless that
   is SEGMENT_ANYBODY.  Its secrets are read for writing only; without them it
   is SHM_DAMAGED.
   SHM_MISSING, _UNFINISHED, _VERSION, _DAMAGED, _FOREIGN or _SYSTEM: nothing is
   mapped. */
enum shm_status segment_open_worker(struct worker_segment *segment,
    const char *name, enum segment_access access, uid_t owner);

/* segment_create_master, segment_create_agents - likewise, the master's own and
   that of the connected agents, which replaces an existing one. */
enum shm_status segment_create_master(
    struct segment *segment, const char *instance);
enum shm_status segment_create_agents(
    struct segment *segment, const char *instance, uint32_t rows);

/* segment_open_instance - likewise, one of these two; segment_open_master - the
   master's, whoever owns it. */
enum shm_status segment_open_instance(struct segment *segment,
    enum segment_kind kind, const char *instance, enum segment_access access,
    uid_t owner);
static inline enum shm_status
segment_open_master(
    struct segment *segment, const char *instance, enum segment_access access)
{
	return segment_open_instance(
	    segment, SEGMENT_MASTER, instance, access, SEGMENT_ANYBODY);
}

/* segment_renew_master - replace what an earlier master left, opened for
   writing and locked, by a copy without its pid: others may have the file open,
   and hold locks of it that keep segment_holder() from seeing ours.
   Returns SHM_OK; or SHM_EXISTS, _NO_SPACE or _SYSTEM: nothing was changed but
   the name in it, which is that of the copy. */
enum shm_status segment_renew_master(struct segment *segment);

/* segment_master - the words of a mapped master's segment. */
static inline struct master_shared *
segment_master(const struct segment *segment)
{
	return segment->base;
}

/* segment_lock - take the segment for this process until it closes it or dies.
   The kernel holds the lock (flock), not the memory; of the secrets, since only
   its user can open these.  Beside it the segment gets a lock that shows the
   holder to readers, if none of them keeps that from us.
   timeout_ms: how long to wait for another holder, 0 to 600000.
   The segment must be mapped for writing; this process must not close another
   descriptor of it.
   The lock is shared with the process that called segment_lock_open() and with
   those that it forked, until the last of them has closed the segment.
   Returns SHM_OK, SHM_BUSY or SHM_SYSTEM; or SHM_MISSING when its holder before
   removed it meanwhile; or SHM_DAMAGED or SHM_FOREIGN, of its secrets. */
enum shm_status segment_lock(struct segment *segment, int timeout_ms);

/* segment_lock_open - open what segment_lock() locks: from now on that does not
   need its name.  Results as of segment_lock(). */
enum shm_status segment_lock_open(struct segment *segment);

/* segment_show_holder - let segment_holder() find this process.  Readers can
   open the segment, but not for writing, and so cannot have a lock of this
   kind; one of theirs may be in the way of it, unless the segment is new.
   That of a worker's segment stays as long as a process that it was shared with
   by fork has the segment mapped, without its descriptor, and shows no pid. */
void segment_show_holder(const struct segment *segment);

/* segment_holder - the process that has locked the segment of this NAME: its
   pid, -1 if it is in a PID namespace that we cannot see, or a worker, or 0 for
   none.  Not this process.  Only one of the segment's owner or root can seem
   to. */
pid_t segment_holder(const char *name);

/* segment_intact - whether a worker's segment that is mapped for writing still
   is a segment: SHM_OK, or as of segment_open_worker(). */
enum shm_status segment_intact(const struct worker_segment *segment);

/* segment_view - map a mapped segment once more, so that a process that
   inherits only this one cannot write to it.  For segment_close(), with which
   the lock that readers see is lost, if the segment still has its name. SHM_OK,
   SHM_MISSING or SHM_SYSTEM: *view is as it was. */
enum shm_status segment_view(
    struct segment *view, const struct segment *segment);

/* segment_named - whether a segment that is mapped for writing, and its
   secrets, are still found by name: SHM_OK, SHM_MISSING or SHM_SYSTEM. */
enum shm_status segment_named(const struct segment *segment);

/*
 * segment_renew - create a segment that is mapped for writing again, after its
 * name, or that of its secrets, was removed.  secret: of a worker's; others
 * have none, NULL.  No other process may write to it meanwhile.  It stays
 * mapped where it was, and locked, if it was.  Processes that opened it before
 * keep the old one.
 * Returns SHM_OK; or SHM_EXISTS, SHM_NO_SPACE or SHM_SYSTEM: then the old one
 * is still mapped.
 */
enum shm_status segment_renew(struct segment *segment, const uint64_t *secret);

/* segment_reserve - for segment_renew.c: create the file of segment->name and
   ->size and map it.  Its space is reserved, so that a full /dev/shm is an
   error here and no SIGBUS later.  SHM_EXISTS, SHM_NO_SPACE or SHM_SYSTEM:
   nothing was made. */
enum shm_status segment_reserve(struct segment *segment);

/* segment_close - unmap; the segment stays.  Does nothing when not mapped. */
void segment_close(struct segment *segment);

/* segment_remove - unlink NAME, and the secrets of a worker's segment, which
   may be there without it after a kill.  Returns SHM_OK, _MISSING or _SYSTEM.
 */
enum shm_status segment_remove(const char *name);

/* segment_share - let the members of a group read a segment that is mapped for
   writing; (gid_t)-1: only its user may, as after it was created.
   Returns SHM_OK or SHM_SYSTEM. */
enum shm_status segment_share(const struct segment *segment, gid_t readers);

/* segment_taken - whether a file has NAME, or that of its secrets. */
bool segment_taken(const char *name);

/* segment_set_aside - rename NAME so that no reporter finds it again, and its
   secrets; the bytes stay under /dev/shm for whoever wants to look.  aside:
   filled with the new path.  Returns SHM_OK, _MISSING or _SYSTEM. */
enum shm_status segment_set_aside(const char *name, char *aside, size_t size);

/* segment_name, segment_name_master, segment_name_agents - the name of a
   worker's segment, and of the master's.  name: SEGMENT_NAME_MAX bytes. */
void segment_name(
    char *name, const char *instance, uint64_t generation, uint32_t slot);
void segment_name_master(char *name, const char *instance);
void segment_name_agents(char *name, const char *instance);

/* segment_name_secret - the name of what holds the secrets of a worker's
   SEGMENT.  segment_list() leaves it out. */
void segment_name_secret(char *name, const char *segment);

/* segment_list - the names of INSTANCE's worker segments of this owner, or of
   SEGMENT_ANYBODY, by generation, then slot.  names: an array of max.
   Returns how many there are (possibly more than max), or -1 with errno. */
int segment_list(const char *instance, uid_t owner,
    char (*names)[SEGMENT_NAME_MAX], int max);
