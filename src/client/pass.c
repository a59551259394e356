/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "client/client.h"
#include "client/pack.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static_assert(
    PACK_HEAD_MAX + CLIENT_RESULTS_MAX * PACK_RESULT_MAX <= CLIENT_BUFFER,
    "a report fits");

/* One writer: no read-modify-write is required. */
#define COUNT(counter, n) SET(counter, GET(counter) + (n))

void
client_log(
    struct reporter *r, enum reporter_level level, const char *format, ...)
{
	va_list arguments;
	char text[256];

	if (r->log == NULL)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	r->log(r->log_arg, level, text);
}

/* ------------------------------------------------------- what to send ----- */

enum pass_kind {
	PASS_TAKE, /* only take the counts: a list is not finished */
	PASS_URGENT,
	PASS_ALL
};

static int
slot_order(const void *a, const void *b, void *slots)
{
	struct key_slot *x = (struct key_slot *)slots + *(const uint32_t *)a;
	struct key_slot *y = (struct key_slot *)slots + *(const uint32_t *)b;

	if (GET(x->modid) != GET(y->modid))
		return GET(x->modid) < GET(y->modid) ? -1 : 1;
	if (GET(x->cmdid) != GET(y->cmdid))
		return GET(x->cmdid) < GET(y->cmdid) ? -1 : 1;
	return (x->ts > y->ts) - (x->ts < y->ts);
}

/* The time of day, but never an earlier one than before: a row keeps the
   report with the newest time. */
static uint64_t
client_ts(struct reporter *r)
{
	time_t now = time(NULL);

	if (now > 0 && (uint64_t)now > r->last_ts)
		r->last_ts = (uint64_t)now & RECORD_TS_MAX;
	return r->last_ts;
}

static void
pass_begin(struct reporter *r, enum pass_kind kind)
{
	uint32_t used =
	    atomic_load_explicit(&r->keys.used, memory_order_acquire);
	uint64_t ts = client_ts(r);
	uint64_t dropped = GET(r->keys.dropped);
	uint16_t idle_max =
	    dropped > r->dropped_told ? CLIENT_IDLE_FULL : CLIENT_IDLE_MAX;

	if (kind != PASS_TAKE)
		r->order_n = r->order_at = 0;
	for (uint32_t i = 1; i <= used; i++) {
		struct key_slot *slot = &r->keys.slots[i];
		uint8_t marks = GET(slot->marks);

		if ((kind == PASS_URGENT && (marks & KEY_URGENT) == 0) ||
		    !keys_take(slot, ts))
			continue;
		if (kind != PASS_TAKE &&
		    (slot->state == KEY_DIRTY || slot->state == KEY_AGAIN))
			r->order[r->order_n++] = i;
		else if (kind == PASS_ALL && (marks & KEY_OVERLOADED) == 0 &&
			 slot->idle++ >= idle_max)
			keys_retire(&r->keys, i);
	}
	if (kind != PASS_TAKE)
		qsort_r(r->order, r->order_n, sizeof(*r->order), slot_order,
		    r->keys.slots);
	if (dropped > r->dropped_told)
		client_log(r, REPORTER_WARN,
		    "cannot count %llu calls: the table has %u keys and is "
		    "full",
		    (unsigned long long)(dropped - r->dropped_told),
		    r->keys.max);
	r->dropped_told = dropped;
}

/* The record of a slot's figures. */
static struct record
slot_record(const struct reporter *r, struct key_slot *slot)
{
	/* Not before: a key that has its turn later stays urgent. */
	uint8_t marks = atomic_fetch_and_explicit(
	    &slot->marks, (uint8_t)~KEY_URGENT, memory_order_relaxed);
	struct record record = {
		.modid = GET(slot->modid),
		.cmdid = GET(slot->cmdid),
		.ip = GET(slot->ip),
		.port = GET(slot->port),
		.caller = r->caller != 0 ? r->caller : r->address,
		.succ = slot->succ,
		.err = slot->err,
		.overload = (marks & KEY_OVERLOADED) != 0,
	};

	record_set_ts(&record, slot->ts);
	return record;
}

/* Encode the next report of the list into the buffer, if there is room.
   Returns false at the end. */
static bool
pass_encode(struct reporter *r)
{
	struct record records[CLIENT_RESULTS_MAX];
	size_t n = 0;

	if (r->order_at == r->order_n ||
	    r->length + PACK_HEAD_MAX + sizeof(records) > CLIENT_BUFFER)
		return false;
	while (r->order_at < r->order_n && n < CLIENT_RESULTS_MAX) {
		struct key_slot *slot = &r->keys.slots[r->order[r->order_at]];

		records[n] = slot_record(r, slot);
		if (n > 0 && (records[n].modid != records[0].modid ||
				 records[n].cmdid != records[0].cmdid ||
				 slot->ts != record_ts(&records[0])))
			break;
		slot->state = KEY_SENT;
		n++;
		r->order_at++;
	}
	r->length += pack_report(records, n, r->buffer + r->length);
	COUNT(r->reports, 1);
	COUNT(r->results, n);
	return true;
}

/* A report without results. */
static void
client_heartbeat(struct reporter *r)
{
	struct record record = { .caller =
				     r->caller != 0 ? r->caller : r->address };

	record_set_ts(&record, client_ts(r));
	r->length = pack_report(&record, 0, r->buffer);
	COUNT(r->heartbeats, 1);
}

/* ---------------------------------------------------- the connection ------ */

void
pass_reset(struct reporter *r)
{
	r->order_n = r->order_at = 0;
	r->length = r->sent = 0;
	r->covered = r->flush_done;
	SET(r->connected, false);
}

static void
client_connected(struct reporter *r)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} own = { .any.sa_family = AF_UNSPEC };
	socklen_t size = sizeof(own);
	uint32_t used =
	    atomic_load_explicit(&r->keys.used, memory_order_acquire);

	r->address = 0;
	getsockname(r->channel.fd, &own.any, &size);
	if (own.any.sa_family == AF_INET)
		r->address = ntohl(own.v4.sin_addr.s_addr);
	else if (own.any.sa_family == AF_INET6 &&
		 IN6_IS_ADDR_V4MAPPED(&own.v6.sin6_addr))
		r->address = ntohl(own.v6.sin6_addr.s6_addr32[3]);
	for (uint32_t i = 1; i <= used; i++)
		if (r->keys.slots[i].state == KEY_SENT)
			r->keys.slots[i].state = KEY_AGAIN;
	r->wrote_at = channel_clock();
	SET(r->connected, true);
	COUNT(r->connections, 1);
	client_log(r, REPORTER_INFO, "connected to %s", r->channel.peer);
	if (r->caller == 0 && r->address == 0)
		client_log(r, REPORTER_WARN,
		    "the connection has no IPv4 "
		    "address: caller is 0.0.0.0; set it to this host's");
}

static void
client_lost(struct reporter *r)
{
	uint64_t now = channel_clock();

	pass_reset(r);
	if (channel_confirmed(&r->channel))
		return;
	COUNT(r->failures, 1);
	uint64_t seconds = (channel_wait(&r->channel, now) + 500) / 1000;
	client_log(r, REPORTER_WARN, "%s; retrying in %llu second%s",
	    r->channel.error, (unsigned long long)seconds,
	    seconds == 1 ? "" : "s");
}

static void
client_write(struct reporter *r)
{
	size_t n;

	do {
		while (pass_encode(r))
			continue;
		n = channel_write(
		    &r->channel, r->buffer + r->sent, r->length - r->sent);
		r->sent += n;
		if (n > 0)
			r->wrote_at = channel_clock();
		if (r->sent == r->length)
			r->sent = r->length = 0;
	} while (n > 0 && r->length == 0 && r->order_at < r->order_n);
}

bool
pass_done(const struct reporter *r)
{
	return r->channel.state == CHANNEL_UP && r->order_at == r->order_n &&
	       r->length == 0 && channel_unsent(&r->channel) == 0;
}

/* What is due of a channel that is up.  again: a loss was before. */
static void
pass_due(struct reporter *r, uint64_t now, uint64_t flush, bool again)
{
	bool idle = r->order_at == r->order_n;

	if (now >= r->next_pass || again || (idle && flush != r->covered)) {
		pass_begin(r, idle ? PASS_ALL : PASS_TAKE);
		if (idle)
			r->covered = flush;
		if (now >= r->next_pass)
			r->next_pass = now + r->interval_ms;
	} else if (idle && now >= r->next_urgent &&
		   atomic_exchange_explicit(
		       &r->urgent, false, memory_order_acq_rel)) {
		pass_begin(r, PASS_URGENT);
		r->next_urgent = now + CLIENT_URGENT_MS;
	}
	if (r->length == 0 && r->order_at == r->order_n &&
	    now - r->wrote_at >= CLIENT_HEARTBEAT_MS)
		client_heartbeat(r);
}

/* Milliseconds until something is due, after a turn at this time. */
static uint64_t
pass_wait(struct reporter *r, uint64_t now, uint64_t flush)
{
	uint64_t wait = channel_wait(&r->channel, now), due = r->next_pass;

	bool idle = r->length == 0 && r->order_at == r->order_n;

	if (r->channel.state == CHANNEL_UP && !r->channel.ended) {
		if (idle && r->wrote_at + CLIENT_HEARTBEAT_MS < due)
			due = r->wrote_at + CLIENT_HEARTBEAT_MS;
		if (idle && r->next_urgent < due && GET(r->urgent))
			due = r->next_urgent;
		/* Nothing tells when the last byte is acknowledged. */
		if (flush != r->flush_done && now + 5 < due)
			due = now + 5;
	}
	due = due > now ? due - now : 0;
	return due < wait ? due : wait;
}

uint64_t
pass_turn(struct reporter *r, uint64_t flush)
{
	bool changed = channel_turn(&r->channel, r->length > 0);
	bool up = r->channel.state == CHANNEL_UP;
	uint64_t now = channel_clock();

	if (r->channel.retry_at == UINT64_MAX)
		return 0; /* abandoned */
	if (changed && up)
		client_connected(r);
	else if (changed)
		client_lost(r);
	if (up && !r->channel.ended) {
		/* What was sent before a loss is sent again at once. */
		pass_due(r, now, flush,
		    changed && GET(r->connections) + GET(r->failures) > 1);
		client_write(r);
	} else if (now >= r->next_pass) {
		pass_begin(r, PASS_TAKE);
		r->next_pass = now + r->interval_ms;
	}
	if (up && r->length > 0)
		r->channel.events |= POLLOUT;
	return pass_wait(r, now, flush);
}
