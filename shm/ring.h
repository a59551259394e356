/* SPDX-License-Identifier: MIT
 *
 * The ring: the queue of records from the master to one worker, in shared
 * memory.  Single producer (the master's loop), single consumer (the worker's
 * drain thread).  Free-running 64-bit indices, a power of two of records; each
 * side's words lie on cache lines of their own.
 *
 * The scheme is the classic bounded buffer of Lamport ("Specifying Concurrent
 * Program Modules", 1983) with each side caching the other's index, as in
 * Lee, Bu and Chandranmenon's work on cache-friendly queues (2010).
 *
 *       tail (worker)                head (master)
 *          v                            v
 *   ...|free|record|record|record|record|unpublished|free|...
 *          '------- published ----------'
 *
 * The producer puts any number of records and then publishes them at once.
 * A worker that finds nothing sleeps on the doorbell, a futex; it is woken
 * only if it sleeps, and once for all that was published in a row.
 *
 * A kill at any instruction leaves whole records before head, and a tail that
 * passed only what was drained: the next process goes on from these two words.
 */
#pragma once

#include "shm/counters.h"
#include "shm/record.h"

#define RING_RECORDS_MIN 32768 /* the longest report must fit */
#define RING_RECORDS_MAX (1u << 28)

/* Commands of the master to the worker; see ring_command(). */
enum ring_command {
	RING_RUN,    /* drain and flush */
	RING_FINISH, /* store everything, then exit */
	RING_STOP    /* exit now; what is left stays in shared memory */
};

/* Written by the master alone; the doorbell also by the worker, once the master
   is dead. */
struct ring_producer {
	alignas(CACHE_LINE) counter head; /* records ever published */
	_Atomic uint32_t doorbell;        /* bumped to wake the worker */
	_Atomic uint32_t command;         /* enum ring_command */
};
static_assert(sizeof(struct ring_producer) == 64, "part of the format");

/* Written by the worker's drain thread alone. */
struct ring_consumer {
	alignas(CACHE_LINE) counter tail; /* records ever drained */
	_Atomic uint32_t sleeping;        /* 1: wants a doorbell */
};
static_assert(sizeof(struct ring_consumer) == 64, "part of the format");

/* One process's view of a ring.  Made by segment_*(); not shared. */
struct ring {
	struct ring_producer *producer;
	struct ring_consumer *consumer;
	struct record *records;
	uint64_t mask;    /* records in the ring, less one */
	uint64_t head;    /* producer: records put, published or not */
	uint64_t alerted; /* producer: head at the last ring_alert() */
	uint64_t seen;    /* the other side's index when last looked at */
	uint32_t rung;    /* consumer: the doorbell after the last sleep */
};

/* ring_attach - make RING a view of these words.  capacity is a power of two.
   Both sides begin where the words say, so a process may attach to what a
   killed one left. */
void ring_attach(struct ring *ring, struct ring_producer *producer,
    struct ring_consumer *consumer, struct record *records, uint64_t capacity);

/* ------------------------------------------------------- the producer's -- */

/* ring_room - how many records can be put now, never more than the ring holds
   whatever the consumer has written.  want: how many the caller would like;
   the consumer's index is only fetched when the known room is less than
   that. */
uint64_t ring_room(struct ring *ring, uint64_t want);

/* ring_put - copy n records behind the last one put.  n is at most what
   ring_room() returned.  Nobody sees them before ring_publish(). */
void ring_put(struct ring *ring, const struct record *records, uint64_t n);

/* ring_publish - let the worker see all that was put.  May leave it asleep:
   call ring_alert() before waiting for anything. */
void ring_publish(struct ring *ring);

/* ring_alert - wake the worker if it sleeps and something was published since
   the last call.  Returns whether it did. */
bool ring_alert(struct ring *ring);

/* ring_wake - end the worker's ring_wait(), or its next one.  Also for a signal
   handler of the worker. */
void ring_wake(struct ring *ring);

/* ring_command - set the command and wake the worker.  It stays until the next
   one. */
void ring_command(struct ring *ring, enum ring_command command);

/* ------------------------------------------------------- the consumer's -- */

/*
 * ring_peek - the oldest published records, without taking them.
 * *n: at most so many are wanted; set to how many lie at the address returned
 * (less than published where the buffer wraps around; 0: nothing is there).
 * They stay valid until ring_advance() passes them.
 * Returns NULL, and *n is 0, if the indices are damaged: more would be
 * published than the ring holds.
 */
const struct record *ring_peek(struct ring *ring, uint64_t *n);

/* ring_advance - pass over n records that ring_peek() showed, giving their
   room to the producer.  Rule 2: call it only when they are in the table. */
void ring_advance(struct ring *ring, uint64_t n);

/* ring_asked - the command in force; any thread of the worker may ask. */
enum ring_command ring_asked(const struct ring *ring);

/* ring_wait - sleep until something is published, the doorbell rings or
   timeout_ms have passed (1 to 60000).  May return early for no reason. */
void ring_wait(struct ring *ring, int timeout_ms);

/* ------------------------------------------------------------ everyone's -- */

/* ring_queued - published and not yet drained; an instant's figure. */
uint64_t ring_queued(const struct ring *ring);
