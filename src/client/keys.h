/* SPDX-License-Identifier: MIT
 *
 * The keys of a client and their counts.  A slot is one key; slots with the
 * same hash are a list.
 *
 * Any thread counts, without a lock where the key is known.  One side, the
 * network side, takes the counts.  A slot is used again for another key when
 * its own was idle: then its generation changes, which is in one word with the
 * counts, so that a thread that had found the old key cannot count for the new
 * one.  A reader that is led from one list into another misses its key at
 * worst, and looks again under the lock.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a word of several threads, where it orders nothing. */
#define GET(word) atomic_load_explicit(&(word), memory_order_relaxed)
#define SET(word, value) \
	atomic_store_explicit(&(word), value, memory_order_relaxed)

#define KEYS_COUNT_BITS 28
#define KEYS_COUNT_MAX ((UINT32_C(1) << KEYS_COUNT_BITS) - 1)

/* Of a slot's calls; the generation is above them, and odd while the slot has a
   key. */
#define CALLS_ERR_SHIFT KEYS_COUNT_BITS
#define CALLS_LIVE (UINT64_C(1) << 2 * KEYS_COUNT_BITS)
#define CALLS_GENERATION (~(CALLS_LIVE - 1))

enum key_mark {
	KEY_OVERLOADED = 1,
	KEY_URGENT = 2 /* its overload has changed */
};

/* What the network side has to do with the figures of a slot. */
enum key_state {
	KEY_NEW,   /* there are none */
	KEY_DIRTY, /* send them */
	KEY_SENT,  /* sent: calls from now on are the next report's */
	KEY_AGAIN  /* the same, but send it once more */
};

struct key {
	int32_t modid, cmdid;
	uint32_t ip;
	uint16_t port;
};

struct key_slot {
	_Alignas(64) _Atomic uint64_t calls;
	_Atomic uint32_t next; /* 0: the end of the list */
	_Atomic int32_t modid, cmdid;
	_Atomic uint32_t ip;
	_Atomic uint16_t port;
	_Atomic uint8_t marks;
	/* From here on the network side's. */
	uint8_t state;
	uint16_t idle; /* intervals without calls */
	uint32_t succ, err;
	uint64_t ts; /* of these figures, seconds since 1970 */
};

struct keys {
	uint32_t max, mask;
	_Atomic uint32_t *heads;
	void *memory;             /* of the slots, to free */
	struct key_slot *slots;   /* in memory, aligned; 1 to max */
	_Atomic uint32_t used;    /* slots that ever had a key */
	_Atomic uint32_t live;    /* those that have one */
	_Atomic uint64_t dropped; /* calls without a slot */
	/* Guards what adds and removes keys; never held over a system call. */
	pthread_mutex_t lock;
	uint32_t free; /* the first of a list */
};

/* keys_open - returns 0, or -1 with errno. */
int keys_open(struct keys *keys, uint32_t max);

void keys_close(struct keys *keys);

/* keys_clear - forget everything.  For the child of a fork, before anything
   else uses the keys. */
void keys_clear(struct keys *keys);

/* keys_add - count.  Returns false if there is no room for a new key. */
bool keys_add(
    struct keys *keys, const struct key *key, uint32_t succ, uint32_t err);

/* keys_overload - set or clear KEY_OVERLOADED.  Returns -1 if there is no room
   for a new key, 1 if the key is urgent now, else 0. */
int keys_overload(struct keys *keys, const struct key *key, bool overloaded);

/* keys_take - bring the counts of a slot into its figures, which are of the
   time ts then.  Returns false for a slot without a key.  Network side. */
bool keys_take(struct key_slot *slot, uint64_t ts);

/* keys_retire - remove a key without counts.  Network side. */
void keys_retire(struct keys *keys, uint32_t index);
