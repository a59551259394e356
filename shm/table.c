/* SPDX-License-Identifier: MIT */
#include "shm/table.h"
#include "shm/faultpoint.h"

#define WORDS (sizeof(struct record) / sizeof(uint64_t))

/* The key is words 0 and 1 and the port, the first bytes of word 3; the rest
   of that is the byte of flags and the time. */
static_assert(offsetof(struct record, ip) == 8, "key comparison");
static_assert(offsetof(struct record, succ) == 16, "key comparison");
static_assert(offsetof(struct record, port) == 24, "key comparison");
static_assert(offsetof(struct record, ts_high) == 27, "word_ts()");
static_assert(offsetof(struct record, ts_low) == 28, "word_ts()");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "all of these");
#define PORT_MASK UINT64_C(0xffff)

/* The unused bits of the flags.  A slot cleared after a kill has them, so that
   it matches no key at all. */
#define CLEARED UINT64_C(0xfc0000)

/* How many slots from its home a key may be.  This bounds the cost of a put:
   keys come and go for months, slots are never emptied, and so there comes a
   day when no empty slot is left to end a search.  Random keys fill a table of
   a million keys to the last before any of them finds no place within this. */
#define REACH 1024

/* How many records ahead the drain has their slots fetched. */
#define AHEAD 16

#define TRIES 1000 /* to read a slot */

/* A word of a record, as it stands in a slot. */
static inline uint64_t
word_of(const struct record *record, size_t i)
{
	uint64_t word;

	memcpy(&word, (const char *)record + i * sizeof(word), sizeof(word));
	return word;
}

/* Relaxed: the slot's state orders the words. */
static inline void
slot_load(const struct slot *slot, struct record *record)
{
	for (size_t i = 0; i < WORDS; i++) {
		uint64_t word = counter_get(&slot->words[i]);

		memcpy((char *)record + i * sizeof(word), &word, sizeof(word));
	}
}

static inline void
slot_store(struct slot *slot, size_t i, uint64_t word)
{
	FAULT_POINT("table_put_half");
	counter_set(&slot->words[i], word);
}

/* record_ts(), of word 3. */
static inline uint64_t
word_ts(uint64_t word)
{
	return (word >> 24 & 0xff) << 32 | word >> 32;
}

/* The bit of `overload`, the first of the flags. */
static inline unsigned
word_overload(uint64_t word)
{
	return word >> 16 & 1;
}

static inline bool
slot_has_key(const struct slot *slot, const struct record *key)
{
	return ((counter_get(&slot->words[0]) ^ word_of(key, 0)) |
		   (counter_get(&slot->words[1]) ^ word_of(key, 1)) |
		   ((counter_get(&slot->words[3]) ^ word_of(key, 3)) &
		       (PORT_MASK | CLEARED))) == 0;
}

/* Where a key's probe path begins.  The secrets keep agents from choosing keys
   that meet.  There are two, each of its own half of the product: with one, and
   a constant between the halves, the words could change places. */
static inline uint32_t
table_home(const struct table *table, const struct record *key)
{
	uint64_t h = mix(word_of(key, 0) ^ table->secret[0],
	    word_of(key, 1) ^ table->secret[1]);

	/* On its own: laid over w[1], a port and a caller could cancel out.
	   Spread over the word, or near ports would stay near. */
	h = mix(h ^ key->port * UINT64_C(0x9e3779b97f4a7c15),
	    table->secret[1] ^ UINT64_C(0xe7037ed1a0b428db));
	/* The upper half as a fraction of the size: Lemire, "Fast Random
	   Integer Generation in an Interval", 2019. */
	return (uint32_t)(((h >> 32) * table->size) >> 32);
}

uint32_t
table_slots(uint32_t keys)
{
	return keys + keys / 2;
}

/* Acquire: all that was added before these were settled is seen as added. */
static uint64_t
table_settled(const struct table *table)
{
	return counter_acquire(&table->flush->stored) +
	       counter_acquire(&table->flush->dead_letter);
}

uint64_t
table_pending(const struct table *table)
{
	uint64_t settled = table_settled(table);
	uint64_t added = counter_get(&table->drain->added);

	/* In a damaged segment it may be any number. */
	return added > settled ? added - settled : 0;
}

/* Whether one more key may become dirty. */
static bool
table_has_room(struct table *table)
{
	uint64_t added = counter_get(&table->drain->added);

	if (added - table->settled >= table->keys)
		table->settled = table_settled(table);
	return added - table->settled < table->keys;
}

/* Find KEY, or else the slot that it may take: an empty one, or a clean one of
   another key.  *state: the slot's state when it holds the key, else 0.
   Returns NULL when there is neither: all within reach are dirty. */
static struct slot *
table_find(const struct table *table, const struct record *key, uint32_t home,
    uint64_t *state)
{
	struct slot *end = table->slots + table->size;
	struct slot *slot = table->slots + home;
	struct slot *clean = NULL;
	uint32_t left = table->size < REACH ? table->size : REACH;

	for (; left > 0; left--) {
		*state = counter_get(&slot->state);
		if (*state == 0) {
			bool ample =
			    counter_get(&table->drain->used) < table->keys;
			return clean == NULL || ample ? slot : clean;
		}
		if (slot_has_key(slot, key))
			return slot;
		if (clean == NULL && !(*state & STATE_DIRTY))
			clean = slot;
		if (++slot == end)
			slot = table->slots;
	}
	*state = 0;
	return clean;
}

/* Where the key of a record is or may go, with its state as table_find() has
   it: nearly always at home. */
static inline struct slot *
table_place(const struct table *table, const struct record *key, uint32_t home,
    uint64_t *state)
{
	struct slot *slot = &table->slots[home];

	*state = counter_get(&slot->state);
	if (__builtin_expect(*state != 0 && slot_has_key(slot, key), 1))
		return slot;
	return table_find(table, key, home, state);
}

/* Claim a slot whose version is not dirty, if one more may be.  Returns its
   state of before; STATE_WRITING when there is no room. */
static uint64_t
slot_claim_clean(struct table *table, struct slot *slot, bool key_is_there)
{
	uint64_t before = counter_get(&slot->state);

	if (!table_has_room(table))
		return STATE_WRITING;
	if (!key_is_there)
		counter_add(
		    before == 0 ? &table->drain->used : &table->drain->evicted,
		    1);
	/* Nobody else writes the state of a clean slot. */
	counter_set(&slot->state, before | STATE_WRITING);
	return before;
}

/* Put a record into a claimed slot as the newest version of its key. */
static inline void
slot_write(struct slot *slot, const struct record *record, bool key_is_there,
    uint64_t before)
{
	uint64_t version = before & ~(STATE_WRITING | STATE_DIRTY);

	/* Release fence: whoever sees a word of the new record sees that the
	   slot is being written, or was. */
	atomic_thread_fence(memory_order_release);
	/* Of the same key, only what is behind it can differ. */
	if (!key_is_there) {
		slot_store(slot, 0, word_of(record, 0));
		slot_store(slot, 1, word_of(record, 1));
	}
	slot_store(slot, 2, word_of(record, 2));
	slot_store(slot, 3, word_of(record, 3));
	/* Release: whoever sees this version sees all its words. */
	counter_release(&slot->state, version + STATE_VERSION + STATE_DIRTY);
}

/* Put one record.  Returns false when it finds no room. */
static inline bool
table_put_one(struct table *table, const struct record *record, uint32_t home,
    uint64_t horizon)
{
	uint64_t state, before;
	struct slot *slot = table_place(table, record, home, &state);
	bool becomes_urgent = true, goes_back = false;
	uint8_t mark = DIRTY_NOT;

	FAULT_POISON("table_put", record->modid);
	if (slot == NULL)
		return false;
	uint32_t index = (uint32_t)(slot - table->slots);
	if (state != 0) {
		uint64_t old = counter_get(&slot->words[WORDS - 1]);

		goes_back = word_ts(old) > record_ts(record);
		if (goes_back && word_ts(old) <= horizon) {
			counter_add(&table->drain->superseded, 1);
			return true;
		}
		becomes_urgent = word_overload(old) != record->overload;
		mark = counter_get(&table->dirty[index]);
	}
	if (state & STATE_DIRTY) {
		/* The flush may turn this version clean at the same time: the
		   exchange shows which came first. */
		before = atomic_exchange_explicit(
		    &slot->state, state | STATE_WRITING, memory_order_relaxed);
	} else {
		before = slot_claim_clean(table, slot, state != 0);
		if (before == STATE_WRITING)
			return false;
	}
	FAULT_POINT("table_put_claimed");
	if (goes_back)
		counter_add(&table->drain->skewed, 1);
	/* Before the flush can see it, so that nothing is counted as stored
	   that was not counted as added.  After a kill in between,
	   table_recover() counts again. */
	counter_add(before & STATE_DIRTY ? &table->drain->superseded
					 : &table->drain->added,
	    1);
	FAULT_POINT("table_put_counted");
	slot_write(slot, record, state != 0, before);
	FAULT_POINT("table_put_written");
	/* Release: a flush that takes the mark sees the new version. */
	if (becomes_urgent)
		mark = state == 0 && !record->overload ? NEW : CHANGED;
	else if ((mark & URGENT) == 0)
		mark = DIRTY;
	counter_release(&table->dirty[index], mark);
	FAULT_POINT("table_put_marked");
	/* Release: who sees it counted finds the mark.  One that was urgent
	   already counts, too: the flush may take that mark right now. */
	if (becomes_urgent)
		counter_release(&table->drain->urgent,
		    counter_get(&table->drain->urgent) + 1);
	return true;
}

/* Prefetch the slot of a record and its mark for writing.  Returns its home. */
static inline uint32_t
table_fetch(const struct table *table, const struct record *record)
{
	uint32_t home = table_home(table, record);
	const struct slot *slot = &table->slots[home];

	__builtin_prefetch(slot, 1);
	__builtin_prefetch(&slot->words[WORDS - 1], 1);
	__builtin_prefetch(&table->dirty[home], 1);
	return home;
}

size_t
table_put(struct table *table, const struct record *records, size_t n,
    uint64_t horizon)
{
	uint32_t homes[AHEAD];

	for (size_t i = 0; i < n && i < AHEAD; i++)
		homes[i] = table_fetch(table, &records[i]);
	for (size_t i = 0; i < n; i++) {
		uint32_t home = homes[i % AHEAD];

		if (n - i > AHEAD)
			homes[i % AHEAD] =
			    table_fetch(table, &records[i + AHEAD]);
		if (!table_put_one(table, &records[i], home, horizon)) {
			counter_add(&table->drain->full, 1);
			return i;
		}
	}
	return n;
}

uint64_t
table_recover(struct table *table, uint64_t drained)
{
	uint64_t dirty = 0, used = 0;
	for (uint32_t i = 0; i < table->size; i++) {
		struct slot *slot = &table->slots[i];
		uint64_t state = counter_get(&slot->state);

		if (state & STATE_WRITING) {
			/* Half a record.  The whole one is still in the ring:
			   leave a clean slot of no key, since an empty one
			   would cut the paths that lead past. */
			for (size_t w = 0; w < WORDS; w++)
				slot_store(slot, w, w == 3 ? CLEARED : 0);
			state = (state & ~(STATE_WRITING | STATE_DIRTY)) +
				STATE_VERSION;
			counter_set(&slot->state, state);
		}
		FAULT_POINT("table_recover_slot");
		used += state != 0;
		dirty += (state & STATE_DIRTY) != 0;
		counter_set(
		    &table->dirty[i], state & STATE_DIRTY ? DIRTY : DIRTY_NOT);
	}
	counter_set(&table->drain->used, used);

	/* What the kill left uncounted, see the identity in counters.h. */
	uint64_t settled = table_settled(table);
	counter_set(&table->drain->added, settled + dirty);
	FAULT_POINT("table_recover_counted");
	/* Unsigned: in a damaged segment it may be any number. */
	uint64_t excess = settled + dirty +
			  counter_get(&table->drain->superseded) - drained -
			  counter_get(&table->drain->replayed);
	if ((int64_t)excess > 0)
		counter_add(&table->drain->replayed, excess);
	else
		counter_add(&table->drain->superseded, 0 - excess);
	table->settled = settled;
	return dirty;
}

uint64_t
table_read(const struct table *table, uint32_t slot, struct record *record)
{
	const struct slot *s = &table->slots[slot];
	/* Acquire: the words of this version, or newer ones. */
	uint64_t state = counter_acquire(&s->state);

	if (state == 0 || state & STATE_WRITING)
		return 0;
	slot_load(s, record);
	/* Acquire fence: if any word was newer, so is the state now. */
	atomic_thread_fence(memory_order_acquire);
	if (((counter_get(&s->state) ^ state) & ~STATE_DIRTY) != 0)
		return 0;
	return state;
}

uint64_t
table_urgent(const struct table *table)
{
	return counter_acquire(&table->drain->urgent);
}

void
table_refresh(const struct table *table, struct table_row *row)
{
	struct record record;

	/* The drain writes a slot within nanoseconds.  If it is interrupted
	   there, or the slot is damaged, the row stays as it was. */
	for (int try = 0; try < TRIES; try++) {
		uint64_t state = table_read(table, row->slot, &record);

		if (state != 0) {
			row->record = record;
			row->state = state;
			return;
		}
	}
}

/* Eight marks at once, to skip those that are not wanted. */
typedef uint64_t __attribute__((may_alias)) eight_marks;

size_t
table_collect_within(struct table *table, unsigned marks, uint32_t *position,
    uint32_t *slots, struct table_row *rows, size_t max)
{
	const eight_marks wanted = marks * UINT64_C(0x0101010101010101);
	size_t n = 0;
	uint32_t at = *position % table->size, left = *slots;

	while (left > 0 && n < max) {
		if (at % 8 == 0 && at + 8 <= table->size && left >= 8 &&
		    (__atomic_load_n(
			 (eight_marks *)(uintptr_t)&table->dirty[at],
			 __ATOMIC_RELAXED) &
			wanted) == 0) {
			at += 8;
			left -= 8;
		} else {
			if (counter_get(&table->dirty[at]) & marks) {
				struct table_row *row = &rows[n];
				/* Acquire: with the mark we get the version
				   that it was set for; a later one sets it
				   again. */
				row->mark =
				    atomic_exchange_explicit(&table->dirty[at],
					DIRTY_NOT, memory_order_acq_rel);
				FAULT_POINT("table_collect_taken");
				/* A damaged mark may be of an empty slot; the
				   drain marks again what it is writing. */
				row->state = 0;
				row->slot = at;
				table_refresh(table, row);
				n += (row->state & STATE_DIRTY) != 0;
			}
			at++;
			left--;
		}
		if (at == table->size)
			at = 0;
	}
	*position = at;
	*slots = left;
	return n;
}

static bool
table_settle(struct table *table, const struct table_row *row, counter *count)
{
	uint64_t state = row->state;

	/* A key that was collected twice, as urgent and then marked again, was
	   stored with the first. */
	if (!(state & STATE_DIRTY))
		return false;
	if (!atomic_compare_exchange_strong_explicit(
		&table->slots[row->slot].state, &state,
		row->state & ~STATE_DIRTY, memory_order_acq_rel,
		memory_order_relaxed))
		return false;
	FAULT_POINT("table_settle_clean");
	/* Release: the swap showed us a version that was counted as added
	   before; whoever sees it settled sees that, too. */
	counter_release(count, counter_get(count) + 1);
	return true;
}

bool
table_stored(struct table *table, const struct table_row *row)
{
	return table_settle(table, row, &table->flush->stored);
}

bool
table_refused(struct table *table, const struct table_row *row)
{
	return table_settle(table, row, &table->flush->dead_letter);
}

void
table_mark(struct table *table, const struct table_row *row)
{
	counter_release(&table->dirty[row->slot], DIRTY);
}
