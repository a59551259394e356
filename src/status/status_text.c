/* SPDX-License-Identifier: MIT
 *
 * The status as a picture of one screen for people.  A pure function over a
 * struct status; any process.  A failure of the stream is left in the stream.
 */
#include "config.h"

#include "lib/figures.h"
#include "status/metric.h"
#include "status/status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define COLUMNS 80
#define LINES 24
#define FEW_WORKERS 4  /* that are shown in any case */
#define ROWS_MIN 2     /* lines for more of them */
#define TROUBLES_MAX 4 /* of different kinds */
#define SLOTS_MAX 10   /* named as in one trouble */

static uint64_t
since(const struct status *status, uint64_t then)
{
	return status->now > then ? status->now - then : 0;
}

static void
show_head(const struct status *s, FILE *out)
{
	uint64_t up = s->uptime;

	fprintf(out, "reporter %s, instance %s\n", s->version, s->instance);
	if (s->running)
		fprintf(out,
		    "running: pid %d, up %" PRIu64
		    " d %02u:%02u:%02u, generation %" PRIu64 "\n",
		    s->pid, up / 86400, (unsigned)(up / 3600 % 24),
		    (unsigned)(up / 60 % 60), (unsigned)(up % 60),
		    s->generation);
	else if (s->pid == 0)
		fputs("not running: graceful shutdown\n", out);
	else
		fprintf(out,
		    "not running: pid %d died unexpectedly\n"
		    "the next start takes over its records\n",
		    s->pid);
	if (s->master_age > STATUS_NOT_RESPONDING)
		fprintf(out,
		    "master not responding for %.0f s: no input is read\n",
		    s->master_age);
	if (s->running && s->reload_failed)
		fputs("last reload failed; keeping the current configuration\n",
		    out);
}

/* The titled metrics of a group, four a line behind its heading, 17 columns
   each. */
static void
show_group(const struct status *s, enum metric_group group, const char *heading,
    FILE *out)
{
	char text[32];
	int shown = 0;

	for (size_t i = 0; i < metrics_count; i++) {
		const struct metric *m = &metrics[i];

		if (m->group != group || m->title == NULL)
			continue;
		if (shown % 4 == 0)
			fprintf(out, "%s%-12s", shown == 0 ? "" : "\n",
			    shown == 0 ? heading : "");
		fprintf(out, "%s%-9s %6s", shown++ % 4 == 0 ? "" : " ",
		    m->title,
		    figures_count(
			text, sizeof(text), metric_value(m, s, 0), 6));
	}
	putc('\n', out);
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

/* Why records were rejected, and connections refused and closed. */
static void
show_reasons(const struct status *s, FILE *out)
{
	char *text = NULL;
	size_t size;
	FILE *line = open_memstream(&text, &size);
	const struct metric *last = NULL;

	if (line == NULL)
		return;
	for (size_t i = 0; i < metrics_count; i++) {
		const struct metric *m = &metrics[i];

		if (m->group > METRIC_RECORDS || m->reasons == NULL)
			continue;
		for (unsigned j = m->reasons->first; j < m->reasons->end; j++) {
			uint64_t value = metric_value(m, s, j);

			if (value == 0)
				continue;
			if (m != last)
				fprintf(line, "%s%s:", last == NULL ? "" : "; ",
				    m->name);
			fprintf(line, "%s %s %" PRIu64, m == last ? "," : "",
			    m->reasons->name(j), value);
			last = m;
		}
	}
	if (fclose(line) == 0 && size > 0)
		show_wrapped(text, out);
	free(text);
}

/* The identity, two terms a line. */
static void
show_records(const struct status *s, FILE *out)
{
	int term = 0;

	for (size_t i = 0; i < metrics_count; i++) {
		const struct metric *m = &metrics[i];

		if (m->group != METRIC_RECORDS)
			continue;
		fprintf(out, "%s%*s%c %-11s %20" PRId64,
		    term > 0 && term % 2 == 0 ? "\n" : "",
		    term % 2 == 0 ? -8 : 2, term == 0 ? "records" : "",
		    term == 0   ? ' '
		    : term == 2 ? '='
				: '+',
		    m->name, (int64_t)metric_value(m, s, 0));
		term++;
	}
	putc('\n', out);
	show_reasons(s, out);
}

static void
show_worker(const struct status *s, const struct status_worker *w, FILE *out)
{
	char generation[32], restarts[32], queued[32], pending[32] = "<0";
	char stored[32], superseded[32], refused[32];
	char pid[16] = "-", age[16] = "never";

	if (w->pid > 0)
		snprintf(pid, sizeof(pid), "%d", w->pid);
	if (w->flush.last_flush_ts > 0)
		figures_age(age, sizeof(age), since(s, w->flush.last_flush_ts));
	if (w->pending >= 0)
		figures_count(
		    pending, sizeof(pending), (uint64_t)w->pending, 7);
	fprintf(out, "%4u %5s %-9s %7s %8s %6s %7s %6s %6s %7s %5s\n", w->slot,
	    figures_count(generation, sizeof(generation), w->generation, 5),
	    w->state, pid,
	    figures_count(restarts, sizeof(restarts), w->restarts, 8),
	    figures_count(queued, sizeof(queued), w->queued, 6), pending,
	    figures_count(stored, sizeof(stored), w->flush.stored, 6),
	    figures_count(
		superseded, sizeof(superseded), w->drain.superseded, 6),
	    figures_count(refused, sizeof(refused), w->flush.dead_letter, 7),
	    age);
}

/* Whether two workers are in the same trouble; the first one's time stands for
   both. */
static bool
same_trouble(const struct status_worker *a, const struct status_worker *b)
{
	return a->generation == b->generation && a->trouble == b->trouble &&
	       (a->pid > 0) == (b->pid > 0) && a->connected == b->connected &&
	       (a->flush.last_error_ts == 0) == (b->flush.last_error_ts == 0) &&
	       a->flush.last_error_number == b->flush.last_error_number &&
	       strcmp(a->flush.last_error, b->flush.last_error) == 0;
}

/* What a person should know of a worker beyond its figures. */
static void
write_trouble(const struct status *s, const struct status_worker *w, FILE *line)
{
	char when[32], age[16];
	time_t then = (time_t)w->flush.last_error_ts;
	struct tm tm;

	if (w->trouble != NULL) {
		fprintf(line, ": cannot read its segment: %s", w->trouble);
		return;
	}
	if (w->pid > 0 && !w->connected)
		fprintf(line, ": not connected to the database");
	if (then == 0)
		return;
	/* A damaged segment may have a year that no calendar has. */
	if (localtime_r(&then, &tm) == NULL ||
	    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(when, sizeof(when), "at an unknown time");
	fprintf(line, "%s last error %s (%s ago): %u %s",
	    w->pid > 0 && !w->connected ? ";" : ":", when,
	    figures_age(age, sizeof(age), since(s, w->flush.last_error_ts)),
	    (unsigned)w->flush.last_error_number, w->flush.last_error);
}

/* One line for all workers that are in the trouble of worker number `first`,
   unless one before it had it.  Returns whether there was any trouble. */
static bool
show_trouble(const struct status *s, unsigned first, FILE *out)
{
	const struct status_worker *w = &s->workers[first];
	const char *before = "worker";
	unsigned named = 0;
	char *text = NULL;
	size_t size;

	for (unsigned i = 0; i < first; i++)
		if (same_trouble(&s->workers[i], w))
			return false;
	if (w->trouble == NULL && w->flush.last_error_ts == 0 &&
	    (w->pid == 0 || w->connected))
		return false;
	FILE *line = open_memstream(&text, &size);
	if (line == NULL)
		return false;
	for (unsigned i = first; i < s->count; i++) {
		if (!same_trouble(&s->workers[i], w))
			continue;
		if (++named <= SLOTS_MAX)
			fprintf(line, "%s %u", before, s->workers[i].slot);
		before = ",";
	}
	if (named > SLOTS_MAX)
		fputs(" and more", line);
	if (w->generation != s->generation)
		fprintf(line, " (generation %" PRIu64 ")", w->generation);
	write_trouble(s, w, line);
	if (fclose(line) == 0)
		show_wrapped(text, out);
	free(text);
	return true;
}

/* --------------------------------------------------- what there is room for */

static bool
is_well(const struct status_worker *w)
{
	return w->trouble == NULL && w->connected && w->running;
}

/* Choose `max` of the workers, those that are not well before others. */
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

/* A line for each worker, in `lines` lines at most. */
static void
show_workers(const struct status *s, unsigned lines, FILE *out)
{
	bool chosen[STATUS_WORKERS_MAX] = { false };
	unsigned left = 0, unwell = 0;

	if (s->count == 0)
		return;
	fputs("slot   gen state         pid restarts queued pending stored "
	      "supers refused flush\n",
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
		    "and %u more, %u of them not running or not connected: see "
		    "--json\n",
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
			    shown < TROUBLES_MAX)
				shown += show_trouble(s, i, out);
	if (shown == TROUBLES_MAX && s->count > shown)
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
		fputs("out of memory\n", out);
		return;
	}
	show_head(status, around);
	show_group(status, METRIC_CONNECTIONS, "connections", around);
	show_group(status, METRIC_REPORTS, "reports", around);
	show_rates(status, around);
	show_records(status, around);
	fflush(around);
	size_t head = size;
	show_troubles(status, around);
	fclose(around);
	unsigned taken = lines_of(text) + 1;
	fwrite(text, 1, head, out);
	show_workers(
	    status, taken + ROWS_MIN < LINES ? LINES - taken : ROWS_MIN, out);
	fputs(text + head, out);
	free(text);
}
