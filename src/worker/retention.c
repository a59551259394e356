/* SPDX-License-Identifier: MIT
 *
 * Each pass counts the rows by age, and removes those that were old when the
 * pass before it began and whose removal that one's census allows.  So what
 * happens during a pass has no effect on its rows.  An error of the database is
 * logged and ends the pass; the next one tries again.
 */
#include "config.h"

#include "worker/retention.h"
#include "lib/clock.h"

#include <inttypes.h>
#include <time.h>

#define STEP_MS 100   /* from one step to the next */
#define REST 9        /* pause after a step, as a multiple of its duration */
#define RETRY_MS 1000 /* a statement that waited longer ends the pass */
#define HOUR UINT64_C(3600)
#define DAY (24 * HOUR)
#define PASSES 24    /* within retention, at most */
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
	uint64_t at = ts > 0 ? (uint64_t)ts : 0;

	/* Without a time, or further ahead than any max_clock_skew. */
	if (at > begin + DAY)
		return;
	census->fresh += at + an_hour_of(retention) >= begin;
	census->recent += at + retention >= begin;
	census->old += at + retention < begin;
	census->lapsed += at + retention < begin && at + 2 * retention >= begin;
}

/* Whether so many fresh rows are far fewer than there were within a day. */
static bool
attendance_fell(struct attendance *a, uint64_t fresh, uint64_t now_ms)
{
	if (fresh >= a->peak || now_ms - a->peak_ms > DAY * 1000) {
		a->peak = fresh;
		a->peak_ms = now_ms;
	}
	return fresh == 0 || fresh < a->peak / 2;
}

enum verdict
attendance_judge(struct attendance *a, const struct census *census,
    uint64_t now_ms, uint64_t retention)
{
	bool fell = attendance_fell(a, census->fresh, now_ms);

	if (a->grew_ms == 0 || census->fresh > a->fresh + a->fresh / 8) {
		a->fresh = census->fresh;
		a->grew_ms = now_ms;
	} else if (census->fresh < a->fresh) {
		a->fresh = census->fresh;
	}
	if (census->old > 0 && (fell || census->recent <= census->lapsed))
		return VERDICT_AWAY;
	if (now_ms - a->grew_ms < an_hour_of(retention) * 1000)
		return VERDICT_WAIT;
	return VERDICT_REMOVE;
}

/* ------------------------------------------------------------- passes ----- */

/* Rows have one writer, but the table is one for all workers. */
static bool
retention_is_ours(const struct retention *r)
{
	return r->seconds > 0 && r->segment->map.header.slot == 0 &&
	       r->segment->map.header.generation ==
		   counter_get(&r->master->generation);
}

/* The table was read to its end. */
static void
pass_judge(struct retention *r)
{
	const struct census *c = &r->census;
	enum verdict verdict =
	    attendance_judge(&r->attendance, c, monotonic_ms(), r->seconds);

	if (verdict == VERDICT_REMOVE)
		r->before = r->begin - r->seconds;
	/* After a start they are on their way. */
	if (verdict == VERDICT_AWAY &&
	    monotonic_ms() - r->started_ms < an_hour_of(r->seconds) * 1000)
		verdict = VERDICT_WAIT;
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
	counter_set(&r->segment->shared->flush.retention_ts, monotonic_ms());
}

/* One step.  Returns false when it was the last one of its pass. */
static bool
pass_step(struct retention *r, uint64_t started)
{
	struct db *db = store_db(r->store);
	enum db_class kind = db_error(db)->kind;
	uint64_t removed = r->walk.removed;
	bool reads = walk_is_read(&r->walk);

	if (!r->walk.begun) {
		r->census = (struct census){ 0 };
		r->begin = (uint64_t)time(NULL);
	}
	if (db_connected(db))
		kind =
		    walk_step(db, r->settings->db.table, &r->walk, r->before);
	store_note_connection(r->store);
	counter_add(
	    &r->segment->shared->flush.removed, r->walk.removed - removed);
	/* Somebody has locked some of these rows: they are left. */
	if (kind == DB_SPLIT)
		return true;
	/* It lost against another statement. */
	if (kind == DB_RETRY && monotonic_ms() - started < RETRY_MS)
		return true;
	if (kind != DB_OK) {
		r->before = 0;
		log_limited(&r->limiter,
		    "cannot remove old rows: error %u: %s; trying again at the "
		    "next pass",
		    db_error(db)->number, db_error(db)->text);
		return false;
	}
	for (size_t i = 0; reads && i < r->walk.rows; i++)
		census_count(
		    &r->census, r->walk.row[i].ts, r->begin, r->seconds);
	if (r->walk.rows == WALK_ROWS || !walk_is_read(&r->walk))
		return true;
	r->before = 0;
	pass_judge(r);
	return false;
}

/* ----------------------------------------------------------- from outside - */

void
retention_init(struct retention *r, const struct settings *settings,
    struct worker_segment *segment, const struct master_shared *master,
    struct store *store)
{
	r->settings = settings;
	r->seconds = settings->retention / 1000;
	r->master = master;
	r->segment = segment;
	r->store = store;
	r->limiter = LOG_PER_MINUTE(LOG_LINES);
	r->started_ms = monotonic_ms();
}

int
retention_idle(struct retention *r, int timeout_ms)
{
	uint64_t now = monotonic_ms(), started = now;
	uint64_t until = now + (uint64_t)timeout_ms;
	uint64_t interval = r->seconds / PASSES;

	if (!retention_is_ours(r))
		return timeout_ms;
	if (now >= r->next_ms) {
		bool more = pass_step(r, started);

		now = monotonic_ms();
		r->next_ms = now + STEP_MS + REST * (now - started);
		if (!more) {
			r->walk.begun = false;
			r->next_ms +=
			    (interval < HOUR ? interval : HOUR) * 1000;
		}
	}
	if (until > r->next_ms)
		until = r->next_ms;
	return until > now ? (int)(until - now) : 0;
}
