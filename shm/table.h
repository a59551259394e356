/* SPDX-License-Identifier: MIT
 *
 * The pending table: per worker, in shared memory, the newest record of each
 * key and whether MySQL has it.  Fixed size, open addressing with linear
 * probing, one cache line a key.
 *
 * Two threads of the worker use it: the drain puts records, the flush takes
 * dirty ones to MySQL.  Each function says which of them may call it.
 *
 * A slot's state is one word:
 *
 *     63                                    2     1       0
 *    | version: counts the records put here  | dirty | writing |
 *
 * 0 is a slot never used.  The drain makes a dirty version of what it puts;
 * the flush turns exactly the version that was committed from dirty to clean,
 * by compare-and-swap: if a newer one came meanwhile, the swap fails and the
 * slot stays dirty.  That is rule 3, and since the drain's own step is an
 * exchange on the same word, each record is counted exactly once, as stored
 * or as superseded.
 *
 * Slots are never emptied.  A clean key may be overwritten by another key on
 * its probe path when room is needed, which keeps all paths whole without
 * tombstones.  Dirty keys are never evicted.
 *
 * The dirty map has one byte a slot (enum dirty), so that a flush
 * looks only at what changed: a byte and not a bit, because then the drain
 * marks with a plain store where a bit would need a locked instruction for
 * each record.  It is a hint; the state word decides, and the map is rebuilt
 * from the states after a kill.
 */
#pragma once

#include "shm/counters.h"
#include "shm/record.h"

#define TABLE_KEYS_MIN 1024
#define TABLE_KEYS_MAX (1u << 28)

#define STATE_WRITING UINT64_C(1)
#define STATE_DIRTY UINT64_C(2)
#define STATE_VERSION UINT64_C(4) /* one version */

/* A record in a slot is read and written as words, each an atomic of its own:
   readers look while the drain writes, and the state makes them look
   again. */
struct slot {
	counter state;
	counter words[sizeof(struct record) / sizeof(uint64_t)];
};
/* Not a whole cache line: what that would fill up is better spent on more
   slots, since shorter probe paths save more than a slot's second line
   costs. */
static_assert(sizeof(struct slot) == 40, "part of the segment format");

enum dirty {
	DIRTY_NOT = 0,
	DIRTY = 1,  /* has a record that MySQL has not */
	NEW = 2,    /* dirty, new and not overloaded */
	CHANGED = 4 /* dirty, and its overload changed, or new and overloaded */
};

#define URGENT (NEW | CHANGED)
#define DIRTY_ANY (DIRTY | URGENT)

/* One process's view of a table.  Made by segment_*(); not shared. */
struct table {
	struct slot *slots;
	_Atomic uint8_t *dirty; /* one byte a slot, enum dirty */
	uint32_t size; /* slots: keys and half as many, see table_slots() */
	uint32_t keys; /* max. dirty keys; without eviction, max. used slots */
	uint64_t secret[2]; /* of the hash, see segment.c; 0 for readers */
	uint64_t settled;   /* drain: stored + dead_letter, last looked at */
	struct drain_counters *drain;
	struct flush_counters *flush;
};

/* A key as the flush sees it. */
struct table_row {
	struct record record;
	uint64_t state; /* of the version in record: for table_stored() */
	uint32_t slot;
	uint8_t mark; /* the one it had: enum dirty */
};

/* table_slots - how many slots a table of so many keys has. */
uint32_t table_slots(uint32_t keys);

/* -------------------------------------------------------- the drain's ---- */

/*
 * table_put - put records into the table, in order, until all are in or one
 * finds no room.
 *
 * The newer ts wins, an equal ts takes the later arrival; what loses is
 * counted as superseded.  horizon: the greatest believable ts, in seconds
 * since 1970; a stored ts beyond it gives way to any record, so that a clock
 * that was ahead does not freeze a key.
 *
 * Returns how many of the n records are in.  Fewer than n: the table is full
 * of dirty keys; call again when the flush has stored some.
 */
size_t table_put(struct table *table, const struct record *records, size_t n,
    uint64_t horizon);

/* table_recover - repair a table that a killed worker may have left:
   a slot caught half written is cleared (its record is still in the ring), the
   dirty map is rebuilt, the counters agree with what is there.
   drained: the ring's tail.  Call it before any thread uses the table.
   Returns the number of dirty keys. */
uint64_t table_recover(struct table *table, uint64_t drained);

/* -------------------------------------------------------- the flush's ---- */

/* table_collect_within - take up to max dirty keys out of the dirty map, those
   that have one of these marks.  *position: where to
   begin looking, 0 to size; set to where it stopped, so that the next call goes
   on from there.  *slots: how many slots to look at, 0 to size; set to how many
   of them are left, 0 unless max were found.
   Returns how many rows were filled in.  The caller must see each of them
   stored, refused, or marked again. */
size_t table_collect_within(struct table *table, unsigned marks,
    uint32_t *position, uint32_t *slots, struct table_row *rows, size_t max);

/* table_urgent - how many times a key has become urgent, ever.  Who collects
   all urgent keys after that has all that were counted. */
uint64_t table_urgent(const struct table *table);

/* table_refresh - update ROW to the newest version of its key.  The key itself
   cannot have changed, since dirty keys are never evicted.  If the slot is
   being written or damaged, ROW stays as it is. */
void table_refresh(const struct table *table, struct table_row *row);

/* table_stored - the version in ROW was committed.  Returns whether that turns
   the key clean, and counts it as stored then.  It does not when a newer one
   came, or when the key was clean already. */
bool table_stored(struct table *table, const struct table_row *row);

/* table_refused - the version in ROW was set aside into the dead-letter file.
   As table_stored(), but counts it as a dead letter. */
bool table_refused(struct table *table, const struct table_row *row);

/* table_mark - mark ROW's slot dirty again: it was not stored. */
void table_mark(struct table *table, const struct table_row *row);

/* --------------------------------------------------------- everyone's ---- */

/* table_pending - dirty keys; an instant's figure. */
uint64_t table_pending(const struct table *table);

/* table_read - copy the record in a slot.  Readable while others write, from
   any process that has the segment mapped.  slot: 0 to size - 1.
   Returns its state, or 0 when the slot is empty or being written: then *record
   means nothing. */
uint64_t table_read(
    const struct table *table, uint32_t slot, struct record *record);
