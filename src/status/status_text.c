/* SPDX-License-Identifier: MIT
 *
 * The status as a picture of one screen for people.  A pure function over a
 * struct status; any process.  A failure of the stream is left in the stream.
 */
#include "config.h"

#include "lib/figures.h"
#include "status/status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define COLUMNS 80
#define LINES 24
#define FEW_WORKERS 4   /* that are shown in any case */
#define ROWS_LEAST 2    /* lines for more of them */
#define TROUBLES_MOST 4 /* of different kinds */

static uint64_t
since(const struct status *status, uint64_t then)
{
	return status->now > then ? status->now - then : 0;
}

static void
show_head(const struct status *s, FILE *out)
{
	uint64_t up = since(s, s->started);

	fprintf(out, "reporter %s, instance %s\n", s->version, s->instance);
	if (s->running)
		fprintf(out,
		    "running: pid %d, up %" PRIu64
		    " d %02u:%02u:%02u, generation %" PRIu64 "\n",
		    s->pid, up / 86400, (unsigned)(up / 3600 % 24),
		    (unsigned)(up / 60 % 60), (unsigned)(up % 60),
		    s->generation);
	else if (s->pid == 0)
		fputs("not running: it ended in order\n", out);
	else
		fprintf(out,
		    "not running: pid %d is gone without an orderly end\n"
		    "the next start takes over what it left\n",
		    s->pid);
	if (s->master_age > STATUS_NOT_RESPONDING)
		fprintf(out,
		    "the master has stood still for %.0f s: it takes nothing "
		    "in\n",
		    s->master_age);
	if (s->running && s->reload_failed)
		fputs("the last reload was refused: the configuration before "
		      "is in force\n",
		    out);
}

struct cell {
	const char *name;
	uint64_t count;
};

/* Four cells a line behind a heading, 17 columns each. */
static void
show_cells(const char *heading, const struct cell *cells, int n, FILE *out)
{
	char text[32];

	for (int i = 0; i < n; i++) {
		if (i % 4 == 0)
			fprintf(out, "%-12s", i == 0 ? heading : "");
		fprintf(out, "%-9s %6s%s", cells[i].name,
		    figures_count(text, sizeof(text), cells[i].count, 6),
		    i % 4 == 3 || i == n - 1 ? "\n" : " ");
	}
}

static void
show_connections(const struct status *s, FILE *out)
{
	const struct cell connections[] = {
		{ "open", s->connections },
		{ "accepted", s->accepted },
		{ "refused", status_refused(s) },
		{ "throttled", s->throttled },
		{ "throttles", s->throttles },
		{ "closed", status_closed(s) },
		{ "held", s->accept_holds },
	};

	show_cells("connections", connections,
	    sizeof(connections) / sizeof(*connections), out);
}

static void
show_input(const struct status *s, FILE *out)
{
	const struct cell reports[] = {
		{ "accepted", s->reports },
		{ "skewed", s->skewed },
		{ "bytes", s->bytes },
		{ "foreign", s->foreign },
		{ "clamped", s->clamped },
		{ "reloads", s->reloads },
		{ "bad conf", s->reload_errors },
	};

	show_connections(s, out);
	show_cells("reports", reports, sizeof(reports) / sizeof(*reports), out);
}

static void
show_rates(const struct status *s, FILE *out)
{
	static const enum history_count shown[] = { HISTORY_REPORTS,
		HISTORY_RECEIVED, HISTORY_REJECTED, HISTORY_SUPERSEDED,
		HISTORY_STORED };
	char text[32];

	fprintf(out, "%-14s", "per second");
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
		fprintf(out, " %12s", history_name(shown[i]));
	putc('\n', out);
	for (int i = 0; i < RATES_SPANS; i++) {
		const struct rates *r = &s->rates[i];

		snprintf(text, sizeof(text), "over %u s", rates_spans[i]);
		fprintf(out, "%14s", text);
		for (size_t j = 0; j < sizeof(shown) / sizeof(*shown); j++)
			fprintf(out, " %12s",
			    r->seconds > 0 ? figures_rate(text, sizeof(text),
						 r->per_second[shown[j]], 10)
					   : "-");
		putc('\n', out);
	}
}

/* Write text in lines of 80 columns, the later ones indented.  Text that is no
   ASCII counts more columns than it takes, which is on the safe side. */
static void
show_wrapped(const char *text, FILE *out)
{
	int indent = 0;

	while (strlen(text) > (size_t)(COLUMNS - indent)) {
		int cut = COLUMNS - indent;

		while (cut > COLUMNS / 2 && text[cut] != ' ')
			cut--;
		if (text[cut] != ' ') {
			cut = COLUMNS - indent;
			while (cut > 1 && (text[cut] & 0xc0) == 0x80)
				cut--;
		}
		fprintf(out, "%*s%.*s\n", indent, "", cut, text);
		text += cut;
		text += strspn(text, " ");
		indent = 4;
	}
	fprintf(out, "%*s%s\n", indent, "", text);
}

/* A text of limited size that grows. */
struct reasons {
	char text[(REJECT_REASONS + REFUSALS + CLOSINGS + 3) * 56];
	size_t at;
	const char *of; /* what the last one was a reason of */
};

static void
reasons_add(
    struct reasons *reasons, const char *of, const char *name, uint64_t count)
{
	if (count == 0 || reasons->at >= sizeof(reasons->text))
		return;
	reasons->at += (size_t)snprintf(reasons->text + reasons->at,
	    sizeof(reasons->text) - reasons->at, "%s%s%s %s %" PRIu64,
	    reasons->of == of  ? ","
	    : reasons->at == 0 ? ""
			       : "; ",
	    reasons->of == of ? "" : of, reasons->of == of ? "" : ":", name,
	    count);
	reasons->of = of;
}

/* Why records were rejected, and connections refused and closed. */
static void
show_reasons(const struct status *s, FILE *out)
{
	struct reasons reasons = { .at = 0 };

	for (int i = 0; i < REJECT_REASONS; i++)
		reasons_add(&reasons, "rejected", reject_name((enum reject)i),
		    s->rejected[i]);
	for (int i = 0; i < REFUSALS; i++)
		reasons_add(&reasons, "refused", refusal_name((enum refusal)i),
		    s->refused[i]);
	for (int i = 0; i < CLOSINGS; i++)
		reasons_add(&reasons, "closed", closing_name((enum closing)i),
		    s->closed[i]);
	if (reasons.at > 0)
		show_wrapped(reasons.text, out);
}

/* The identity, two terms a line. */
static void
show_records(const struct status *s, FILE *out)
{
	const struct status_records *r = &s->records;
	const struct {
		const char *sign, *name;
		int64_t count;
	} terms[] = {
		{ " ", "received", r->received },
		{ "+", "replayed", r->replayed },
		{ "=", "rejected", r->rejected },
		{ "+", "dropped", r->dropped },
		{ "+", "queued", r->queued },
		{ "+", "pending", r->pending },
		{ "+", "superseded", r->superseded },
		{ "+", "stored", r->stored },
		{ "+", "dead_letter", r->dead_letter },
	};

	for (size_t i = 0; i < sizeof(terms) / sizeof(*terms); i++)
		fprintf(out, "%*s%s %-11s %20" PRId64 "%s", i % 2 == 0 ? -8 : 2,
		    i == 0 ? "records" : "", terms[i].sign, terms[i].name,
		    terms[i].count, i % 2 == 1 || i == 8 ? "\n" : "");
	show_reasons(s, out);
}

static void
show_worker(const struct status *s, const struct status_worker *w, FILE *out)
{
	char generation[32], died[32], queued[32], pending[32], stored[32];
	char superseded[32], dead[32], pid[16] = "-", age[16] = "never";

	if (w->pid > 0)
		snprintf(pid, sizeof(pid), "%d", w->pid);
	if (w->last_flush_ts > 0)
		figures_age(age, sizeof(age), since(s, w->last_flush_ts));
	if (w->pending < 0)
		snprintf(pending, sizeof(pending), "<0");
	else
		figures_count(
		    pending, sizeof(pending), (uint64_t)w->pending, 7);
	fprintf(out, "%4u %5s %-9s %7s %4s %7s %7s %8s %8s %6s %5s\n", w->slot,
	    figures_count(generation, sizeof(generation), w->generation, 5),
	    w->state, pid, figures_count(died, sizeof(died), w->restarts, 4),
	    figures_count(queued, sizeof(queued), w->queued, 7), pending,
	    figures_count(stored, sizeof(stored), w->stored, 8),
	    figures_count(superseded, sizeof(superseded), w->superseded, 8),
	    figures_count(dead, sizeof(dead), w->dead_letter, 6), age);
}

/* What a person should know of a worker beyond its figures; "" for nothing. */
static void
trouble_text(const struct status *s, const struct status_worker *w, char *text,
    size_t size)
{
	char when[32], age[16];
	time_t then = (time_t)w->last_error_ts;
	struct tm tm;
	int at = 0;

	*text = '\0';
	if (w->trouble != NULL) {
		snprintf(
		    text, size, "its segment cannot be read: %s", w->trouble);
		return;
	}
	if (w->pid > 0 && !w->connected)
		at = snprintf(text, size, "not connected to the database%s",
		    w->last_error_ts == 0 ? "" : "; ");
	if (w->last_error_ts == 0)
		return;
	/* A damaged segment may tell a year that no calendar has. */
	if (localtime_r(&then, &tm) == NULL ||
	    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(when, sizeof(when), "at no time");
	snprintf(text + at, size - (size_t)at, "last error %s (%s ago): %u %s",
	    when, figures_age(age, sizeof(age), since(s, w->last_error_ts)),
	    w->last_error_number, w->last_error);
}

/* Whether two workers are in the same trouble; the first one's time stands for
   both. */
static bool
same_trouble(const struct status_worker *a, const struct status_worker *b)
{
	return a->generation == b->generation && a->trouble == b->trouble &&
	       (a->pid > 0) == (b->pid > 0) && a->connected == b->connected &&
	       (a->last_error_ts == 0) == (b->last_error_ts == 0) &&
	       a->last_error_number == b->last_error_number &&
	       strcmp(a->last_error, b->last_error) == 0;
}

/* The slots of all workers from number `first` on that are in its trouble. */
static void
trouble_slots(const struct status *s, unsigned first, char *text, size_t size)
{
	const struct status_worker *w = &s->workers[first];
	size_t at = (size_t)snprintf(text, size, "%u", w->slot);

	for (unsigned i = first + 1; i < s->count; i++) {
		if (!same_trouble(&s->workers[i], w))
			continue;
		if (size - at < 24) {
			snprintf(text + at, size - at, " and more");
			return;
		}
		at += (size_t)snprintf(
		    text + at, size - at, ", %u", s->workers[i].slot);
	}
}

/* One line for all workers that are in the trouble of worker number `first`,
   unless one before it had it.  Returns whether there was something to say. */
static bool
show_trouble(const struct status *s, unsigned first, FILE *out)
{
	const struct status_worker *w = &s->workers[first];
	char trouble[400], text[600], slots[64], of[48] = "";

	for (unsigned i = 0; i < first; i++)
		if (same_trouble(&s->workers[i], w))
			return false;
	trouble_text(s, w, trouble, sizeof(trouble));
	if (*trouble == '\0')
		return false;
	trouble_slots(s, first, slots, sizeof(slots));
	if (w->generation != s->generation)
		snprintf(
		    of, sizeof(of), " (generation %" PRIu64 ")", w->generation);
	snprintf(text, sizeof(text), "worker %s%s: %s", slots, of, trouble);
	show_wrapped(text, out);
	return true;
}

/* --------------------------------------------------- what there is room for */

static bool
is_well(const struct status_worker *w)
{
	return w->trouble == NULL && w->connected &&
	       strcmp(w->state, child_state_name(CHILD_RUNNING)) == 0;
}

/* Choose `most` of the workers, those that are not well before others. */
static void
choose_workers(const struct status *s, unsigned max, bool *chosen)
{
	for (int well = 0; well < 2; well++) {
		for (unsigned i = 0; i < s->count && max > 0; i++) {
			if (is_well(&s->workers[i]) != well)
				continue;
			chosen[i] = true;
			max--;
		}
	}
}

/* A line for each worker, in `lines` lines at the most. */
static void
show_workers(const struct status *s, unsigned lines, FILE *out)
{
	bool chosen[STATUS_WORKERS_MAX] = { false };
	unsigned left = 0, unwell = 0;

	if (s->count == 0)
		return;
	fputs("slot   gen state         pid died  queued pending   "
	      "stored  superd.   dead flush\n",
	    out);
	choose_workers(s,
	    s->count > lines && s->count > FEW_WORKERS ? lines - 1 : s->count,
	    chosen);
	for (unsigned i = 0; i < s->count; i++) {
		if (chosen[i]) {
			show_worker(s, &s->workers[i], out);
			continue;
		}
		left++;
		unwell += !is_well(&s->workers[i]);
	}
	if (left > 0)
		fprintf(out,
		    "and %u workers more, %u of them not running or not "
		    "connected: see --json\n",
		    left, unwell);
}

/* What workers have in common counts once; those that are not well first. */
static void
show_troubles(const struct status *s, FILE *out)
{
	unsigned shown = 0;

	for (int well = 0; well < 2; well++)
		for (unsigned i = 0; i < s->count; i++)
			if (is_well(&s->workers[i]) == well &&
			    shown < TROUBLES_MOST)
				shown += show_trouble(s, i, out);
	if (shown == TROUBLES_MOST && s->count > shown)
		fputs("there may be more: see --json\n", out);
}

static unsigned
lines_of(const char *text)
{
	unsigned n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

void
status_text(const struct status *status, FILE *out)
{
	char *text = NULL;
	size_t size;
	FILE *around = open_memstream(&text, &size);

	if (around == NULL) {
		fputs("there is no memory\n", out);
		return;
	}
	show_head(status, around);
	show_input(status, around);
	show_rates(status, around);
	show_records(status, around);
	fflush(around);
	size_t head = size;
	show_troubles(status, around);
	fclose(around);
	unsigned taken = lines_of(text) + 1;
	fwrite(text, 1, head, out);
	show_workers(status,
	    taken + ROWS_LEAST < LINES ? LINES - taken : ROWS_LEAST, out);
	fputs(text + head, out);
	free(text);
}
