/* SPDX-License-Identifier: MIT */
#include "shm/ring.h"
#include "shm/faultpoint.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A sleeping worker is woken when this part of the ring is filled: waking it
   costs as much as a hundred records. */
#define ALERT_PART 8

void
ring_attach(struct ring *ring, struct ring_producer *producer,
    struct ring_consumer *consumer, struct record *records, uint64_t capacity)
{
	ring->producer = producer;
	ring->consumer = consumer;
	ring->records = records;
	ring->mask = capacity - 1;
	ring->head = ring->alerted = counter_get(&producer->head);
	/* Acquire: the producer overwrites what lies before this tail. */
	ring->seen = counter_acquire(&consumer->tail);
	ring->rung = counter_acquire(&producer->doorbell);
}

/* The room by the tail seen last.  Only a broken worker writes a tail ahead of
   our head; it gets nothing more. */
static uint64_t
ring_room_seen(const struct ring *ring)
{
	uint64_t capacity = ring->mask + 1, used = ring->head - ring->seen;

	return used <= capacity ? capacity - used : 0;
}

uint64_t
ring_room(struct ring *ring, uint64_t want)
{
	if (ring_room_seen(ring) < want) {
		/* Acquire: the worker has read all records before this tail,
		   so their places may be overwritten. */
		ring->seen = counter_acquire(&ring->consumer->tail);
	}
	return ring_room_seen(ring);
}

void
ring_put(struct ring *ring, const struct record *records, uint64_t n)
{
	uint64_t at = ring->head & ring->mask;
	uint64_t before_wrap = ring->mask + 1 - at;

	if (n <= before_wrap) {
		memcpy(&ring->records[at], records, n * sizeof(*records));
	} else {
		memcpy(&ring->records[at], records,
		    before_wrap * sizeof(*records));
		memcpy(ring->records, records + before_wrap,
		    (n - before_wrap) * sizeof(*records));
	}
	FAULT_POINT("ring_put_copied");
	ring->head += n;
}

void
ring_wake(struct ring *ring)
{
	/* Release: whoever sees this doorbell sees what it rings for. */
	atomic_fetch_add_explicit(
	    &ring->producer->doorbell, 1, memory_order_release);
	syscall(SYS_futex, &ring->producer->doorbell, FUTEX_WAKE, INT_MAX, NULL,
	    NULL, 0);
}

void
ring_publish(struct ring *ring)
{
	if (ring->head == counter_get(&ring->producer->head))
		return;
	FAULT_POINT("ring_publish_before");
	/* Release: licenses the worker to read the records before this head. */
	counter_release(&ring->producer->head, ring->head);
	FAULT_POINT("ring_publish_after");
	if (ring->head - ring->alerted > ring->mask / ALERT_PART)
		ring_alert(ring);
}

bool
ring_alert(struct ring *ring)
{
	uint64_t head = counter_get(&ring->producer->head);

	if (head == ring->alerted)
		return false;
	ring->alerted = head;
	/* The worker sets `sleeping` and then reads head; we have set head and
	   then read `sleeping`.  The two fences let at least
	   one of us see the other. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!counter_get(&ring->consumer->sleeping))
		return false;
	ring_wake(ring);
	return true;
}

void
ring_command(struct ring *ring, enum ring_command command)
{
	/* Release: a worker that sees the command sees all published before. */
	counter_release(&ring->producer->command, command);
	ring_wake(ring);
}

const struct record *
ring_peek(struct ring *ring, uint64_t *n)
{
	uint64_t tail = counter_get(&ring->consumer->tail);
	uint64_t at = tail & ring->mask;
	uint64_t there = ring->seen - tail;

	if (there < *n) {
		/* Acquire: the records before this head are whole. */
		ring->seen = counter_acquire(&ring->producer->head);
		there = ring->seen - tail;
	}
	if (there > ring->mask + 1) {
		*n = 0;
		return NULL;
	}
	if (there > ring->mask + 1 - at)
		there = ring->mask + 1 - at;
	if (there < *n)
		*n = there;
	return &ring->records[at];
}

void
ring_advance(struct ring *ring, uint64_t n)
{
	uint64_t tail = counter_get(&ring->consumer->tail);

	FAULT_POINT("ring_advance_before");
	/* Release: our reading of the records is over; licenses the master to
	   overwrite them.  It also orders the table's words before the tail,
	   so that after a kill the record is in one of the two. */
	counter_release(&ring->consumer->tail, tail + n);
	FAULT_POINT("ring_advance_after");
}

enum ring_command
ring_asked(const struct ring *ring)
{
	return (enum ring_command)counter_acquire(&ring->producer->command);
}

void
ring_wait(struct ring *ring, int timeout_ms)
{
	struct timespec timeout = { timeout_ms / 1000,
		timeout_ms % 1000 * 1000000L };
	uint64_t tail = counter_get(&ring->consumer->tail);

	counter_set(&ring->consumer->sleeping, 1);
	/* The other half of ring_alert()'s fence. */
	atomic_thread_fence(memory_order_seq_cst);
	if (counter_get(&ring->producer->head) == tail) {
		/* If the doorbell rang since the last sleep, this returns at
		   once: our caller looked at the command after that sleep, and
		   may have missed the one that this ring was for. */
		syscall(SYS_futex, &ring->producer->doorbell, FUTEX_WAIT,
		    ring->rung, &timeout, NULL, 0);
	}
	/* Acquire: the command that it rang for is seen from here on. */
	ring->rung = counter_acquire(&ring->producer->doorbell);
	counter_set(&ring->consumer->sleeping, 0);
}

uint64_t
ring_queued(const struct ring *ring)
{
	/* Tail first: it never passes the head read after it. */
	uint64_t tail = counter_acquire(&ring->consumer->tail);

	return counter_acquire(&ring->producer->head) - tail;
}
