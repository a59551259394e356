/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "client/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A list that is longer is searched under the lock, where it cannot lead from
   one into the next for ever. */
#define HOPS_MAX 64

int
keys_open(struct keys *keys, uint32_t max)
{
	uint32_t size = 64;

	while (size < max)
		size *= 2;
	memset(keys, 0, sizeof(*keys));
	keys->max = max;
	keys->mask = size - 1;
	keys->heads = calloc(size, sizeof(*keys->heads));
	/* Not aligned_alloc(): much that is zero takes no memory yet. */
	keys->memory = calloc(max + (size_t)2, sizeof(*keys->slots));
	if (keys->heads == NULL || keys->memory == NULL) {
		free(keys->heads);
		free(keys->memory);
		errno = ENOMEM;
		return -1;
	}
	keys->slots = (struct key_slot *)((uintptr_t)keys->memory +
					  -(uintptr_t)keys->memory %
					      _Alignof(struct key_slot));
	pthread_mutex_init(&keys->lock, NULL);
	return 0;
}

void
keys_close(struct keys *keys)
{
	pthread_mutex_destroy(&keys->lock);
	free(keys->heads);
	free(keys->memory);
}

void
keys_clear(struct keys *keys)
{
	memset(keys->heads, 0, (keys->mask + 1) * sizeof(*keys->heads));
	memset(keys->slots, 0, (GET(keys->used) + 1) * sizeof(*keys->slots));
	SET(keys->used, 0);
	SET(keys->live, 0);
	SET(keys->dropped, 0);
	keys->free = 0;
}

/* ----------------------------------------------------------- finding ------ */

static _Atomic uint32_t *
head_of(struct keys *keys, const struct key *key)
{
	uint64_t x = (uint64_t)(uint32_t)key->modid << 32 | key->ip;
	uint64_t y = (uint64_t)(uint32_t)key->cmdid << 32 | key->port;

	x = (x ^ y * UINT64_C(0x9e3779b97f4a7c15)) *
	    UINT64_C(0xbf58476d1ce4e5b9);
	return &keys->heads[(x ^ x >> 32) & keys->mask];
}

static bool
slot_has(struct key_slot *slot, const struct key *key)
{
	return GET(slot->modid) == key->modid &&
	       GET(slot->cmdid) == key->cmdid && GET(slot->ip) == key->ip &&
	       GET(slot->port) == key->port;
}

/* *calls: those of the slot, from before its key was compared. */
static struct key_slot *
keys_find(
    struct keys *keys, const struct key *key, uint32_t hops, uint64_t *calls)
{
	uint32_t at =
	    atomic_load_explicit(head_of(keys, key), memory_order_acquire);

	for (; at != 0 && hops > 0; hops--) {
		struct key_slot *slot = &keys->slots[at];

		/* Acquire: the key is that of this generation, or newer. */
		*calls =
		    atomic_load_explicit(&slot->calls, memory_order_acquire);
		if ((*calls & CALLS_LIVE) != 0 && slot_has(slot, key))
			return slot;
		at = atomic_load_explicit(&slot->next, memory_order_acquire);
	}
	return NULL;
}

/* Under the lock.  Returns NULL if there is no room. */
static struct key_slot *
keys_insert(struct keys *keys, const struct key *key)
{
	_Atomic uint32_t *head = head_of(keys, key);
	uint32_t at = keys->free;

	if (at != 0)
		keys->free = GET(keys->slots[at].next);
	else if (GET(keys->used) < keys->max)
		at = GET(keys->used) + 1;
	else
		return NULL;
	struct key_slot *slot = &keys->slots[at];
	SET(slot->modid, key->modid);
	SET(slot->cmdid, key->cmdid);
	SET(slot->ip, key->ip);
	SET(slot->port, key->port);
	/* Release: who sees the generation, or the list, sees the key. */
	atomic_fetch_add_explicit(
	    &slot->calls, CALLS_LIVE, memory_order_release);
	SET(slot->next, GET(*head));
	atomic_store_explicit(head, at, memory_order_release);
	if (at > GET(keys->used))
		atomic_store_explicit(&keys->used, at, memory_order_release);
	SET(keys->live, GET(keys->live) + 1);
	return slot;
}

/* ---------------------------------------------------------- counting ------ */

static uint64_t
count_sum(uint64_t count, uint32_t more)
{
	return count + more < KEYS_COUNT_MAX ? count + more : KEYS_COUNT_MAX;
}

/* Returns false if the slot was given to another key since. */
static bool
slot_count(struct key_slot *slot, uint64_t calls, uint32_t succ, uint32_t err)
{
	uint64_t generation = calls & CALLS_GENERATION, sum;

	do {
		if ((calls & CALLS_GENERATION) != generation)
			return false;
		sum = generation | count_sum(calls & KEYS_COUNT_MAX, succ) |
		      count_sum(calls >> CALLS_ERR_SHIFT & KEYS_COUNT_MAX, err)
			  << CALLS_ERR_SHIFT;
		/* Release: the key was compared before. */
	} while (!atomic_compare_exchange_weak_explicit(&slot->calls, &calls,
	    sum, memory_order_release, memory_order_relaxed));
	return true;
}

/* Under the lock: the key's slot, made if it has none. */
static struct key_slot *
keys_have(struct keys *keys, const struct key *key, uint64_t *calls)
{
	struct key_slot *slot = keys_find(keys, key, UINT32_MAX, calls);

	if (slot == NULL && (slot = keys_insert(keys, key)) != NULL)
		*calls = GET(slot->calls);
	return slot;
}

bool
keys_add(struct keys *keys, const struct key *key, uint32_t succ, uint32_t err)
{
	uint64_t calls;
	struct key_slot *slot = keys_find(keys, key, HOPS_MAX, &calls);

	if (slot != NULL && slot_count(slot, calls, succ, err))
		return true;
	pthread_mutex_lock(&keys->lock);
	slot = keys_have(keys, key, &calls);
	bool counted = slot != NULL && slot_count(slot, calls, succ, err);
	pthread_mutex_unlock(&keys->lock);
	if (!counted)
		atomic_fetch_add_explicit(
		    &keys->dropped, (uint64_t)succ + err, memory_order_relaxed);
	return counted;
}

int
keys_overload(struct keys *keys, const struct key *key, bool overloaded)
{
	uint64_t calls;
	int urgent = -1;

	pthread_mutex_lock(&keys->lock);
	uint32_t before = GET(keys->live);
	struct key_slot *slot = keys_have(keys, key, &calls);
	if (slot != NULL) {
		bool was = (GET(slot->marks) & KEY_OVERLOADED) != 0;

		/* Of a new key anything is news. */
		urgent = GET(keys->live) != before || was != overloaded;
		/* Not a store: the network side clears KEY_URGENT. */
		if (was != overloaded)
			atomic_fetch_xor_explicit(
			    &slot->marks, KEY_OVERLOADED, memory_order_relaxed);
		if (urgent == 1)
			atomic_fetch_or_explicit(
			    &slot->marks, KEY_URGENT, memory_order_relaxed);
	}
	pthread_mutex_unlock(&keys->lock);
	return urgent;
}

/* ------------------------------------------------------ network side ------ */

static uint32_t
figure_sum(uint32_t figure, uint32_t more)
{
	return figure + more < figure ? UINT32_MAX : figure + more;
}

bool
keys_take(struct key_slot *slot, uint64_t ts)
{
	uint64_t calls = atomic_fetch_and_explicit(
	    &slot->calls, CALLS_GENERATION, memory_order_acquire);
	uint32_t succ = calls & KEYS_COUNT_MAX;
	uint32_t err = calls >> CALLS_ERR_SHIFT & KEYS_COUNT_MAX;

	if ((calls & CALLS_LIVE) == 0)
		return false;
	if (succ == 0 && err == 0 && (GET(slot->marks) & KEY_URGENT) == 0)
		return true;
	if (slot->state != KEY_DIRTY)
		slot->succ = slot->err = 0;
	slot->succ = figure_sum(slot->succ, succ);
	slot->err = figure_sum(slot->err, err);
	slot->ts = ts;
	slot->state = KEY_DIRTY;
	slot->idle = 0;
	return true;
}

void
keys_retire(struct keys *keys, uint32_t index)
{
	struct key_slot *slot = &keys->slots[index];

	pthread_mutex_lock(&keys->lock);
	struct key key = { GET(slot->modid), GET(slot->cmdid), GET(slot->ip),
		GET(slot->port) };
	uint64_t calls = GET(slot->calls) & CALLS_GENERATION;
	_Atomic uint32_t *link = head_of(keys, &key);
	if ((GET(slot->marks) & KEY_URGENT) == 0 &&
	    atomic_compare_exchange_strong_explicit(&slot->calls, &calls,
		calls + CALLS_LIVE, memory_order_acq_rel,
		memory_order_relaxed)) {
		while (GET(*link) != index)
			link = &keys->slots[GET(*link)].next;
		atomic_store_explicit(
		    link, GET(slot->next), memory_order_release);
		SET(slot->marks, 0);
		slot->state = KEY_NEW;
		slot->idle = 0;
		slot->succ = slot->err = 0;
		SET(slot->next, keys->free);
		keys->free = index;
		SET(keys->live, GET(keys->live) - 1);
	}
	pthread_mutex_unlock(&keys->lock);
}
