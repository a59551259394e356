/* SPDX-License-Identifier: MIT
 *
 * The retention: when to walk along the table, and whether old rows may go.
 * Belongs to the flush thread.  Errors of the database are logged and end the
 * pass; the next one tries again.
 *
 * Each pass counts the rows by age, and removes those that were old when the
 * pass before it began and whose removal that one's census allows.  So what
 * happens during a pass has no effect on its rows.
 */
#include "config.h"

#include "worker/retention.h"
#include "lib/clock.h"

#include <inttypes.h>
#include <time.h>

#define STEP_MS 100 /* from one step to the next */
#define REST 9      /* and so many times as long as the step took */
#define HOUR UINT64_C(3600)
#define DAY (24 * HOUR)
#define PASSES 24    /* within retention */
#define LOG_LINES 10 /* a minute */

/* -------------------------------------------------------- may they go ----- */

static uint64_t
an_hour_of(uint64_t retention)
{
	return retention < HOUR ? retention : HOUR;
}

void
census_count(
    struct census *census, int64_t ts, uint64_t begin, uint64_t retention)
{
	int64_t age = (int64_t)begin - ts;

	/* Without a time, or further ahead than any max_clock_skew. */
	if (age < -(int64_t)DAY)
		return;
	if (age <= (int64_t)an_hour_of(retention))
		census->fresh++;
	if (age <= (int64_t)retention)
		census->recent++;
	else if (age <= (int64_t)(2 * retention))
		census->lapsed++;
	if (age > (int64_t)retention)
		census->old++;
}

enum verdict
attendance_judge(struct attendance *a, const struct census *census,
    uint64_t now_ms, uint64_t retention)
{
	if (a->grew_ms == 0 || census->fresh > a->fresh + a->fresh / 8) {
		a->fresh = census->fresh;
		a->grew_ms = now_ms;
	} else if (census->fresh < a->fresh) {
		a->fresh = census->fresh;
	}
	if (census->old > 0 &&
	    (census->fresh == 0 || census->recent <= census->lapsed))
		return VERDICT_AWAY;
	if (now_ms - a->grew_ms < an_hour_of(retention) * 1000)
		return VERDICT_WAIT;
	return VERDICT_REMOVE;
}

/* ------------------------------------------------------------- passes ----- */

static uint64_t
retention_seconds(const struct retention *r)
{
	return r->settings->retention / 1000;
}

/* Rows have one writer, but all workers walk the same table. */
static bool
retention_is_ours(const struct retention *r)
{
	const struct segment_header *header = &r->shared->header;

	return r->settings->retention > 0 && header->slot == 0 &&
	       header->generation == counter_get(&r->master->generation);
}

static void
pass_begin(struct retention *r)
{
	r->walk.begun = false;
	r->census = (struct census){ 0 };
	r->began_ms = monotonic_ms();
	r->begin = (uint64_t)time(NULL);
}

static void
log_verdict(struct retention *r, enum verdict verdict)
{
	const struct census *c = &r->census;

	if (verdict == VERDICT_AWAY && !r->away)
		log_warn("skipping retention: rows reported lately: %" PRIu64
			 ", within retention: %" PRIu64
			 ", not any more: %" PRIu64
			 "; keeping all rows until the agents are back",
		    c->fresh, c->recent, c->lapsed);
	else if (verdict == VERDICT_REMOVE && r->away)
		log_info("retention: the agents are back; removing old rows");
	if (verdict != VERDICT_WAIT)
		r->away = verdict == VERDICT_AWAY;
}

/* The pass is over, complete or not. */
static void
pass_end(struct retention *r, bool complete)
{
	uint64_t now = monotonic_ms(), seconds = retention_seconds(r);
	uint64_t interval = seconds / PASSES < HOUR ? seconds / PASSES : HOUR;

	r->before = 0;
	if (complete) {
		enum verdict verdict =
		    attendance_judge(&r->attendance, &r->census, now, seconds);

		log_verdict(r, verdict);
		if (verdict == VERDICT_REMOVE)
			r->before = r->begin - seconds;
		counter_set(
		    &r->shared->flush.retention_ts, (uint64_t)time(NULL));
	}
	r->begin = 0;
	r->next_ms = r->began_ms + interval * 1000;
}

static void
retention_step(struct retention *r)
{
	uint64_t started = monotonic_ms(), removed = r->walk.removed;
	enum db_class kind;

	if (r->begin == 0)
		pass_begin(r);
	struct db *db = store_db(r->store);
	kind = db_error(db)->kind;
	if (db_connected(db))
		kind = walk_step(db, r->settings->table, &r->walk, r->before);
	counter_set(&r->shared->flush.connected, db_connected(db));
	counter_add(&r->shared->flush.removed, r->walk.removed - removed);
	uint64_t now = monotonic_ms();
	r->next_ms = now + STEP_MS + REST * (now - started);
	/* It lost against another statement: take the same step again. */
	if (kind == DB_RETRY)
		return;
	if (kind != DB_OK) {
		log_limited(&r->limiter,
		    "cannot remove old rows: error %u: %s; trying again at the "
		    "next pass",
		    db_error(db)->number, db_error(db)->text);
		pass_end(r, false);
		return;
	}
	for (size_t i = 0; i < r->walk.rows; i++)
		census_count(&r->census, r->walk.row[i].ts, r->begin,
		    retention_seconds(r));
	if (r->walk.rows < WALK_ROWS)
		pass_end(r, true);
}

/* ----------------------------------------------------------- from outside - */

void
retention_init(struct retention *r, const struct settings *settings,
    struct worker_segment *segment, const struct master_shared *master,
    struct store *store)
{
	r->settings = settings;
	r->master = master;
	r->shared = segment->shared;
	r->store = store;
	r->limiter = LOG_PER_MINUTE(LOG_LINES);
}

int
retention_idle(struct retention *r, int timeout_ms)
{
	uint64_t now = monotonic_ms();

	if (!retention_is_ours(r))
		return timeout_ms;
	if (now >= r->next_ms) {
		retention_step(r);
		now = monotonic_ms();
	}
	if (r->next_ms <= now)
		return 0;
	return r->next_ms - now < (uint64_t)timeout_ms ? (int)(r->next_ms - now)
						       : timeout_ms;
}
