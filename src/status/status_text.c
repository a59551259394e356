/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/clock.h"
#include "lib/text.h"
#include "status/metric.h"
#include "status/status.h"

#include <inttypes.h>
#include <stdlib.h>

#define COLUMNS 80
#define LINES 24
#define FEW_WORKERS 4  /* that are shown in any case */
#define ROWS_MIN 2     /* lines for more of them */
#define TROUBLES_MAX 4 /* of different kinds */
#define SLOTS_MAX 10   /* named as in one trouble */

void
status_left(const struct status *s, FILE *out)
{
	/* Those of a damaged segment may wrap. */
	int64_t left = (int64_t)((uint64_t)s->records.queued +
				 (uint64_t)s->records.pending);

	if (left > 0)
		fprintf(out,
		    "records left in shared memory: %" PRId64
		    "; start reporter before the next reboot to store them\n",
		    left);
}

static void
show_head(const struct status *s, FILE *out)
{
	uint64_t up = s->uptime, lost = s->input.process.log_lost;
	double bytes = 0, huge = 0;

	STATUS_WORKERS(w, s) {
		lost += w->process.log_lost;
		bytes += (double)w->segment_bytes;
		huge += (double)w->huge_bytes;
	}

	fprintf(out, "reporter %s, instance %s", s->version, s->instance);
	status_hosts(s, out);
	putc('\n', out);
	if (s->running)
		fprintf(out,
		    "running: pid %d, up %" PRIu64
		    " d %02u:%02u:%02u, generation %" PRIu64
		    ", huge pages %.0f %%\n",
		    s->pid, up / 86400, (unsigned)(up / 3600 % 24),
		    (unsigned)(up / 60 % 60), (unsigned)(up % 60),
		    s->generation, bytes > 0 ? 100 * huge / bytes : 0);
	else if (s->pid == 0)
		fputs("not running: graceful shutdown\n", out);
	else
		fprintf(out, "not running: pid %d died unexpectedly\n", s->pid);
	if (s->master_age > STATUS_NOT_RESPONDING)
		fprintf(out,
		    "master not responding for %.0f s: no input is read\n",
		    s->master_age);
	if (lost > 0)
		fprintf(out, "log lines lost: %" PRIu64 "\n", lost);
	if (!s->running)
		status_left(s, out);
	if (s->running && s->reload_failed)
		fputs("last reload failed; keeping the current configuration\n",
		    out);
}

/* The titled metrics of a group, four a line of 17 columns, and its heading. */
static void
show_group(const struct status *s, enum metric_group group, const char *heading,
    FILE *out)
{
	char text[32];
	int shown = 0;

	for (const struct metric *m = metrics; m < metrics_end; m++) {
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

/* Why records were rejected, and connections refused and closed. */
static void
show_reasons(const struct status *s, FILE *out)
{
	const struct metric *last = NULL;

	for (const struct metric *m = metrics; m < metrics_end; m++) {
		if (m->group > METRIC_RECORDS || m->reasons == NULL)
			continue;
		for (unsigned i = m->reasons->first; i < m->reasons->end; i++) {
			uint64_t value = metric_value(m, s, i);

			if (value == 0)
				continue;
			if (m != last)
				fprintf(out, "%s%s:", last == NULL ? "" : "; ",
				    m->name);
			fprintf(out, "%s %s %" PRIu64, m == last ? "," : "",
			    m->reasons->name(i), value);
			last = m;
		}
	}
	if (last != NULL)
		putc('\n', out);
}

/* The identity, two terms a line. */
static void
show_records(const struct status *s, FILE *out)
{
	static const char *const before[] = { "records  ", "  +",
		"\n        =", "  +", "\n        +" };
	int term = 0;

	for (const struct metric *m = metrics; m < metrics_end; m++) {
		if (m->group != METRIC_RECORDS)
			continue;
		fprintf(out, "%s %-11s %20" PRId64,
		    before[term < 4 ? term : 4 - term % 2], m->name,
		    (int64_t)metric_value(m, s, 0));
		term++;
	}
	putc('\n', out);
}

/* -------------------------------------------------------- the workers -- */

static void
show_worker(const struct status *s, const struct status_worker *w, FILE *out)
{
	char text[32], pid[16] = "-", age[16] = "never";

	if (w->pid > 0)
		snprintf(pid, sizeof(pid), "%d", w->pid);
	fprintf(out, "%4u %5s %-9s %7s", w->slot,
	    figures_count(text, sizeof(text), w->generation, 5), w->state, pid);
	for (const struct metric *m = metrics; m < metrics_end; m++) {
		if (m->group < METRIC_SLOT || m->title == NULL)
			continue;
		uint64_t value = metric_value(m, w, 0);
		int width = (int)strlen(m->title);
		fprintf(out, " %*s", width,
		    m->unit == METRIC_SIGNED && value > INT64_MAX
			? "<0"
			: figures_count(text, sizeof(text), value, width));
	}
	if (w->flush.last_flush_ts > 0)
		figures_age(
		    age, sizeof(age), status_since(s, w->flush.last_flush_ts));
	fprintf(out, " %5s\n", age);
}

/* Whether two workers are in the same trouble, whenever it began. */
static bool
same_trouble(const struct status_worker *a, const struct status_worker *b)
{
	return a->generation == b->generation && a->trouble == b->trouble &&
	       (a->pid > 0) == (b->pid > 0) && a->connected == b->connected &&
	       (a->flush.last_error_ts == 0) == (b->flush.last_error_ts == 0) &&
	       (a->flush.recovered_ts == 0) == (b->flush.recovered_ts == 0) &&
	       a->flush.last_error_number == b->flush.last_error_number &&
	       strcmp(a->flush.last_error, b->flush.last_error) == 0;
}

/* What a person should know beyond the figures, in one line for all workers
   that are in the same trouble as FIRST, unless one before it was.  Returns
   whether there was any trouble. */
static bool
show_same_trouble(
    const struct status *s, const struct status_worker *first, FILE *out)
{
	const struct flush_counters *flush = &first->flush;
	bool is_apart = first->pid > 0 && !first->connected;
	char when[CLOCK_TEXT], age[16];
	unsigned named = 0;

	STATUS_WORKERS(w, s)
		if (w < first && same_trouble(w, first))
			return false;
	if (first->trouble == NULL && flush->last_error_ts == 0 && !is_apart)
		return false;
	STATUS_WORKERS(w, s)
		if (same_trouble(w, first) && ++named <= SLOTS_MAX)
			fprintf(
			    out, "%s %u", named == 1 ? "worker" : ",", w->slot);
	if (named > SLOTS_MAX)
		fputs(" and more", out);
	if (first->generation != s->generation)
		fprintf(out, " (generation %" PRIu64 ")", first->generation);
	if (first->trouble != NULL) {
		fprintf(out, ": cannot read its segment: %s\n", first->trouble);
		return true;
	}
	if (is_apart)
		fputs(": not connected to the database", out);
	if (flush->last_error_ts != 0)
		fprintf(out, "%s last error %s ago (%s): %u %s",
		    is_apart ? ";" : ":",
		    figures_age(age, sizeof(age),
			status_since(s, flush->last_error_ts)),
		    clock_text(when, flush->last_error_ts),
		    (unsigned)flush->last_error_number, flush->last_error);
	if (flush->recovered_ts != 0)
		fprintf(out, "; recovered %s ago (%s)",
		    figures_age(
			age, sizeof(age), status_since(s, flush->recovered_ts)),
		    clock_text(when, flush->recovered_ts));
	putc('\n', out);
	return true;
}

static bool
is_well(const struct status_worker *w)
{
	return w->trouble == NULL && w->connected && w->running;
}

/* What workers have in common counts once; those that are not well first. */
static void
show_troubles(const struct status *s, FILE *out)
{
	unsigned shown = 0;

	for (int well = 0; well < 2; well++)
		STATUS_WORKERS(w, s)
			if (shown < TROUBLES_MAX && is_well(w) == well)
				shown += show_same_trouble(s, w, out);
	if (shown == TROUBLES_MAX && s->count > shown)
		fputs("there may be more: see --json\n", out);
}

/* A line for each worker, in `lines` lines at most.  If they are too few, those
   that are well are left out before others. */
static void
show_workers(const struct status *s, unsigned lines, FILE *out)
{
	unsigned room = s->count, unwell = 0;

	if (s->count == 0)
		return;
	if (s->count > lines && s->count > FEW_WORKERS)
		room = lines - 1;
	STATUS_WORKERS(w, s)
		unwell += !is_well(w);
	unsigned unwell_shown = unwell < room ? unwell : room;
	/* Lines that are left for those that are not well, and that are. */
	unsigned left[] = { unwell_shown, room - unwell_shown };
	/* The titled metrics of a worker are columns as wide as their titles,
	   between those that have a form of their own. */
	fputs("slot   gen state         pid", out);
	for (const struct metric *m = metrics; m < metrics_end; m++)
		if (m->group >= METRIC_SLOT && m->title != NULL)
			fprintf(out, " %s", m->title);
	fputs(" flush\n", out);
	STATUS_WORKERS(w, s)
		if (left[is_well(w)] > 0) {
			show_worker(s, w, out);
			left[is_well(w)]--;
		}
	if (room < s->count)
		fprintf(out,
		    "and %u more, %u of them not running or not connected: see "
		    "--json\n",
		    s->count - room, unwell - unwell_shown);
}

/* ---------------------------------------------------------- the lines -- */

/* How much of a line to write in so many columns: up to a blank, unless that
   leaves half of them empty.  Text that is not ASCII counts more columns than
   it takes, which is on the safe side. */
static int
line_part(const char *text, int columns)
{
	int length = (int)strcspn(text, "\n"), cut = columns;

	if (length <= columns)
		return length;
	while (cut > COLUMNS / 2 && text[cut] != ' ')
		cut--;
	if (text[cut] == ' ')
		return cut;
	for (cut = columns; cut > 1 && (text[cut] & 0xc0) == 0x80; cut--)
		continue;
	return cut;
}

/* Write text in lines of 80 columns, what is wrapped indented.  out: NULL to
   count only.  Returns the number of lines. */
static unsigned
show_lines(const char *text, FILE *out)
{
	unsigned lines = 0;

	for (int indent = 0; *text != '\0'; lines++) {
		int length = line_part(text, COLUMNS - indent);

		if (out != NULL)
			fprintf(out, "%*s%.*s\n", indent, "", length, text);
		text += length;
		indent = *text == '\n' ? 0 : 4;
		text += *text == '\n' ? 1 : strspn(text, " ");
	}
	return lines;
}

void
status_text(const struct status *status, FILE *out)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	if (memory != NULL) {
		show_head(status, memory);
		show_group(status, METRIC_CONNECTIONS, "connections", memory);
		show_group(status, METRIC_REPORTS, "reports", memory);
		show_rates(status, memory);
		show_records(status, memory);
		show_reasons(status, memory);
		putc('\0', memory);
		show_troubles(status, memory);
	}
	if (memory == NULL || fclose(memory) != 0) {
		fputs("out of memory\n", out);
	} else {
		/* The workers get the lines that the rest leaves of a screen.
		 */
		const char *troubles = text + strlen(text) + 1;
		unsigned taken =
		    show_lines(text, out) + show_lines(troubles, NULL) + 1;

		show_workers(status,
		    taken + ROWS_MIN < LINES ? LINES - taken : ROWS_MIN, out);
		show_lines(troubles, out);
	}
	free(text);
}
