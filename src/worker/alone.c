/* SPDX-License-Identifier: MIT
 *
 * Rows that fail alone.  A canary shows whether the row is at fault or the
 * table: another record, such as the one stored last, sent and rolled back.
 * Belongs to the flush thread; errors are logged, and waited out.
 */
#include "config.h"

#include "worker/store_state.h"
#include "lib/clock.h"
#include "shm/faultpoint.h"
#include "worker/deadletter.h"
#include "worker/worker_files.h"

#include <string.h>
#include <unistd.h>

/* How long the blame of a row holds for others that fail with the same number,
   and for how many at first. */
#define BLAME_MS 1000
#define BLAME_ROWS 8

#define FIRST_MS 1000 /* wait of a held row at first, ... */
#define CAP_MS 60000  /* ... and at last */

#define CANARIES 6 /* records to try */

/* Rows held at once while no canary passes: it may well be the table. */
#define UNPROVEN_MAX 8

#define HELD_MS 100   /* that held rows are retried for at once, or one row */
#define PAUSE_MS 1000 /* before the next one while none stands a chance */
#define RETRY_SHARE 9 /* times as long as retries took, others are sent */

/* How long an error that is not listed may take to disappear by itself. */
#define PASSING_MS 30000

/* How long a retired worker tries to store rows that fail alone: newer ones
   wait for it. */
#define END_MS 30000

/* ----------------------------------------------------------- held rows ---- */

/* Where the slot is, or would be. */
static size_t
held_find(const struct held *held, uint32_t slot)
{
	size_t low = 0, high = held->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (held->rows[middle].slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t
store_not_held(const struct store *store, struct table_row *rows, size_t n)
{
	const struct held *held = &store->held;
	size_t kept = 0;

	for (size_t k = 0; k < n; k++) {
		size_t i = held_find(held, rows[k].slot);

		if (i == held->count || held->rows[i].slot != rows[k].slot)
			rows[kept++] = rows[k];
	}
	return kept;
}

static void
held_postpone(struct held_row *row, uint64_t now_ms)
{
	row->due_ms = now_ms + backoff_next(&row->backoff);
}

/* Returns false: no room. */
static bool
held_add(struct held *held, uint32_t slot, uint64_t now_ms)
{
	size_t i = held_find(held, slot);

	if (held->count >= held->max)
		return false;
	memmove(&held->rows[i + 1], &held->rows[i],
	    (held->count - i) * sizeof(*held->rows));
	held->count++;
	held->rows[i] = (struct held_row){ .slot = slot,
		.since_ms = now_ms,
		.backoff = {
		    FIRST_MS, CAP_MS, 0, (uint64_t)getpid() << 32 | slot } };
	held_postpone(&held->rows[i], now_ms);
	return true;
}

static void
held_remove(struct held *held, size_t i)
{
	held->count--;
	memmove(&held->rows[i], &held->rows[i + 1],
	    (held->count - i) * sizeof(*held->rows));
}

/* None is due before that time. */
static void
held_defer(struct held *held, uint64_t due_ms)
{
	for (size_t i = 0; i < held->count; i++)
		if (held->rows[i].due_ms < due_ms)
			held->rows[i].due_ms = due_ms;
}

/* ------------------------------------------------------------ canaries ---- */

/* Why a row failed alone. */
enum blame {
	BLAME_ROW,     /* the table takes another one */
	BLAME_LATE,    /* now it does: this one may pass as well */
	BLAME_UNKNOWN, /* perhaps the table takes none at all */
	BLAME_STOPPED  /* asked to stop meanwhile */
};

/* Whether the table takes a record, or, if it is NULL, one that it has.  The
   connection may have been lost meanwhile. */
static enum db_class
canary_try(struct store *store, const struct record *record)
{
	enum db_class kind =
	    db_connected(store->db) ? DB_OK : store_connect(store);

	if (kind == DB_OK)
		kind =
		    db_takes(store->db, record, store_horizon(store->settings));
	store_note_connection(store);
	return kind;
}

/* The canary of a number: what was stored last, what the table has, and others
   of the batch at random, since the first two may be bad ones by chance. */
static const struct record *
canary_choose(struct store *store, const struct table_row *row, unsigned number)
{
	if (number == 0)
		return &store->canary;
	if (number == 1)
		return NULL;
	store->random += UINT64_C(0x9e3779b97f4a7c15); /* a Weyl sequence */
	size_t at = (store->random >> 32) % store->batch_rows;
	if (store->batch[at].slot == row->slot)
		at = (at + 1) % store->batch_rows;
	return &store->batch[at].record;
}

/* Why a row failed alone with this error. */
static enum blame
store_judge(struct store *store, const struct table_row *row,
    const struct db_error *error)
{
	unsigned number = store->proven ? 0 : 1;
	unsigned canaries = store->batch_rows > 1 ? CANARIES : 2;
	enum blame blame = BLAME_ROW;

	if (store->blame_number == error->number && store->blame_rows > 0 &&
	    monotonic_ms() < store->blame_until_ms) {
		store->blame_rows--;
		return BLAME_ROW;
	}
	for (;; blame = BLAME_LATE) {
		const struct record *record = canary_choose(store, row, number);
		enum db_class kind = canary_try(store, record);

		if (kind == DB_OK) {
			if (record != NULL)
				store_prove(store, record);
			break;
		}
		if (db_connected(store->db) &&
		    (dberror_divides(kind) || kind == DB_HOLD)) {
			store->proven = false;
			if (++number == canaries)
				return BLAME_UNKNOWN;
			continue;
		}
		store_note(store, kind);
		if (!store_wait(store, backoff_next(&store->backoff[kind])))
			return BLAME_STOPPED;
	}
	/* The longer it goes on, the less it can be the table. */
	if (store->blame_number != error->number || store->blame_limit == 0)
		store->blame_limit = BLAME_ROWS;
	else
		store->blame_limit *= 2;
	store->blame_number = error->number;
	store->blame_rows = store->blame_limit;
	store->blame_until_ms = monotonic_ms() + BLAME_MS;
	return blame;
}

/* Set aside a row that failed alone.  Returns false when it cannot be written,
   unless it is a bad one in any case: then it is lost, unless the next process
   of this worker can write it. */
static bool
row_set_aside(struct store *store, const struct table_row *row,
    enum db_class kind, const struct db_error *error)
{
	if (deadletter_write(store->settings, &row->record, error->number,
		error->text) < 0) {
		if (kind != DB_REFUSED ||
		    worker_files_moved(store->settings->dead_letter_file))
			return false;
		counter_add(&store->count->dead_lost, 1);
		log_limited(&store->limiter,
		    "cannot write dead-letter file %s: %m; a refused record is "
		    "lost",
		    store->settings->dead_letter_file);
	}
	FAULT_POINT("store_refuse_written");
	table_refused(store->table, row);
	return true;
}

/* Hold a row that failed alone.  Returns false when there is no room. */
static bool
row_hold(struct store *store, const struct table_row *row,
    const struct db_error *error, const char *others)
{
	if (!held_add(&store->held, row->slot, monotonic_ms()))
		return false;
	counter_set(&store->count->held, store->held.count);
	if (store->held.count == 1)
		log_limited(&store->held_limiter,
		    "database %s: error %u: %s; holding the row (modid %d, "
		    "cmdid %d), %s",
		    db_host(store->db), error->number, error->text,
		    row->record.modid, row->record.cmdid, others);
	return true;
}

/* What becomes of a row that failed alone. */
enum fate {
	FATE_SETTLED, /* set aside or held; of a held one: not held any more */
	FATE_RETRY,
	FATE_WAIT, /* and retry: the table takes none, or there is no room */
	FATE_STOPPED
};

/* again: it was retried since it failed. */
static enum fate
row_decide(struct store *store, const struct table_row *row, enum db_class kind,
    const struct db_error *error, bool again)
{
	/* It is locked, or slow, so a canary may be as well. */
	if (kind == DB_SPLIT)
		return row_hold(store, row, error, "the others are stored")
			   ? FATE_SETTLED
			   : FATE_WAIT;
	enum blame blame = store_judge(store, row, error);
	if (blame == BLAME_STOPPED)
		return FATE_STOPPED;
	if (blame == BLAME_LATE && !again)
		return FATE_RETRY;
	if (blame == BLAME_UNKNOWN) {
		if ((!again && store->unproven >= UNPROVEN_MAX) ||
		    !row_hold(store, row, error, "trying others"))
			return FATE_WAIT;
		store->unproven++;
		return FATE_SETTLED;
	}
	if (kind != DB_REFUSED &&
	    row_hold(store, row, error, "the others are stored"))
		return FATE_SETTLED;
	/* In the file it is not lost, and holds up no other. */
	return row_set_aside(store, row, kind, error) ||
		       row_hold(store, row, error, "the others are stored")
		   ? FATE_SETTLED
		   : FATE_WAIT;
}

enum db_class
store_send(struct store *store, struct table_row *rows, size_t n, size_t *sent)
{
	for (;;) {
		enum db_class kind = store_insist(store, rows, n, sent);
		struct db_error error = *db_error(store->db);

		if (kind != DB_HOLD)
			return kind;
		/* The table may take others: a trigger's table is missing, for
		   example, and it needs that for some rows only. */
		if (store_judge(store, rows, &error) == BLAME_ROW)
			return DB_UNLISTED;
		if (!store_wait(store, backoff_next(&store->backoff[DB_HOLD])))
			return kind;
	}
}

/* Wait while the table takes no row, or no more can be held.  An error that is
   not listed may disappear by itself: it is retried sooner, and nobody has to
   fix it at first.  Returns false when asked to stop. */
static bool
rows_wait(struct store *store, const struct db_error *error)
{
	const char *advice =
	    "every row is refused, keeping all records until this is fixed";
	enum db_class kind = DB_HOLD;

	if (store->refusing_ms == 0)
		store->refusing_ms = monotonic_ms();
	if (store->held.count == store->held.max) {
		advice = "too many rows fail, waiting for one of them";
	} else if (error->kind == DB_UNLISTED &&
		   monotonic_ms() - store->refusing_ms < PASSING_MS) {
		advice = "every row is refused, retrying";
		kind = DB_UNLISTED;
	}
	if (kind == DB_HOLD)
		store_note_blocked(store);
	store_show(store, DB_HOLD, error, advice);
	return store_wait(store, backoff_next(&store->backoff[kind]));
}

bool
store_alone(struct store *store, struct table_row *row, enum db_class kind)
{
	size_t sent;

	for (bool again = false; row->state & STATE_DIRTY; again = true) {
		struct db_error error = *db_error(store->db);
		enum fate fate = row_decide(store, row, kind, &error, again);

		if (fate == FATE_SETTLED || fate == FATE_STOPPED)
			return fate == FATE_SETTLED;
		if (fate == FATE_WAIT && !rows_wait(store, &error))
			return false;
		kind = store_send(store, row, 1, &sent);
		if (kind == DB_OK)
			return true;
		if (!dberror_divides(kind))
			return false;
	}
	return true;
}

/* Retry held row i.  end: none may be left, whatever their errors after
   end_ms. */
static enum fate
held_again(struct store *store, size_t i, bool end)
{
	const struct held_row *held = &store->held.rows[i];
	struct table_row row = { .slot = held->slot };
	uint64_t limit = store->settings->hold_time, now = monotonic_ms();
	bool over = limit > 0 && now - held->since_ms >= limit;
	bool last = end && now >= store->end_ms;
	size_t sent;
	enum db_class kind = store_try(store, &row, 1, &sent);

	if (kind == DB_OK) {
		store_settled(store, &row, 1);
		return FATE_SETTLED;
	}
	struct db_error error = *db_error(store->db);
	if (kind == DB_HOLD && db_connected(store->db) &&
	    store_judge(store, &row, &error) == BLAME_ROW)
		kind = DB_UNLISTED;
	if (!dberror_divides(kind) && !(last && kind == DB_HOLD)) {
		store_note(store, kind);
		return FATE_WAIT;
	}
	store_count(store, kind, &error);
	if (last)
		return row_set_aside(store, &row, kind, &error) ? FATE_SETTLED
								: FATE_RETRY;
	/* It is locked, or slow: no reason to set it aside. */
	if (kind == DB_SPLIT)
		return FATE_RETRY;
	enum blame blame = store_judge(store, &row, &error);
	if (blame == BLAME_ROW && (kind == DB_REFUSED || end || over) &&
	    row_set_aside(store, &row, kind, &error))
		return FATE_SETTLED;
	return blame == BLAME_ROW || blame == BLAME_LATE ? FATE_RETRY
							 : FATE_WAIT;
}

/* Retry the held rows that are due, until the time is over. */
static void
held_pass(struct store *store, uint64_t until_ms, bool end)
{
	struct held *held = &store->held;
	enum fate fate = FATE_RETRY;
	size_t i = 0;

	while (i < held->count && fate != FATE_WAIT) {
		uint64_t now = monotonic_ms();

		if (held->rows[i].due_ms > now) {
			i++;
			continue;
		}
		fate = held_again(store, i, end);
		if (fate == FATE_SETTLED)
			held_remove(held, i);
		else
			held_postpone(&held->rows[i++], monotonic_ms());
		if (monotonic_ms() >= until_ms || !store_wait(store, 0))
			break;
	}
	if (fate == FATE_WAIT)
		held_defer(held, monotonic_ms() + PAUSE_MS);
	counter_set(&store->count->held, held->count);
}

size_t
store_retry(struct store *store)
{
	store_return(store);

	uint64_t now = monotonic_ms();
	if (store->held.count > 0 && now >= store->retry_ms) {
		held_pass(store, now + HELD_MS, false);
		/* The others have most of the time. */
		store->retry_ms = monotonic_ms();
		store->retry_ms += RETRY_SHARE * (store->retry_ms - now);
	}
	return store->held.count;
}

void
store_finish(struct store *store, bool end)
{
	struct backoff *backoff = &store->backoff[DB_HOLD];

	store->end_ms = monotonic_ms() + END_MS;
	do {
		held_hurry(&store->held);
		held_pass(store, UINT64_MAX, end);
	} while (end && store->held.count > 0 &&
		 store_wait(store, backoff_next(backoff)));
}
