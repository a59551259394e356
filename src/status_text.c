/* SPDX-License-Identifier: MIT
 *
 * The status as a picture of one screen for people.  A pure function over a
 * struct status; any process.  A failure of the stream is left in the stream.
 */
#include "config.h"

#include "status.h"

#include <inttypes.h>
#include <time.h>

#define COLUMNS 80

/* A count in at most `width` columns, 5 or more: exact if it fits, else as
   "12.3M". */
static const char *
count_text(char *text, size_t size, uint64_t n, int width)
{
	static const char units[] = "kMGTPE";
	double scaled = (double)n;
	int unit = -1;

	if (snprintf(text, size, "%" PRIu64, n) <= width)
		return text;
	do {
		scaled /= 1000;
		unit++;
	} while (units[unit + 1] != '\0' &&
		 snprintf(text, size, "%.1f%c", scaled, units[unit]) > width);
	snprintf(text, size, "%.1f%c", scaled, units[unit]);
	return text;
}

/* A span of time in at most five columns. */
static const char *
age_text(char *text, size_t size, uint64_t seconds)
{
	if (seconds < 120)
		snprintf(text, size, "%us", (unsigned)seconds);
	else if (seconds < 7200)
		snprintf(text, size, "%um", (unsigned)(seconds / 60));
	else if (seconds < 172800)
		snprintf(text, size, "%uh", (unsigned)(seconds / 3600));
	else if (seconds / 86400 < 10000)
		snprintf(text, size, "%ud", (unsigned)(seconds / 86400));
	else
		snprintf(text, size, "long");
	return text;
}

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
	if (s->running && s->reload_failed)
		fputs("the last reload was refused: the configuration before "
		      "is in force\n",
		    out);
}

struct cell {
	const char *name;
	uint64_t count;
};

/* Three cells a line behind a heading, 22 columns each. */
static void
show_cells(const char *heading, const struct cell *cells, int n, FILE *out)
{
	char text[32];

	for (int i = 0; i < n; i++) {
		if (i % 3 == 0)
			fprintf(out, "%-14s", i == 0 ? heading : "");
		fprintf(out, "%-12s %7s%s", cells[i].name,
		    count_text(text, sizeof(text), cells[i].count, 7),
		    i % 3 == 2 || i == n - 1 ? "\n" : "  ");
	}
}

/* One reason of a count that stands above it. */
static void
show_reason(const char *of, const char *name, uint64_t count, FILE *out)
{
	if (count > 0)
		fprintf(
		    out, "%14s%-9s%-27s %13" PRIu64 "\n", "", of, name, count);
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
	for (int i = 0; i < REFUSALS; i++)
		show_reason("refused:", refusal_name((enum refusal)i),
		    s->refused[i], out);
	for (int i = 0; i < CLOSINGS; i++)
		show_reason("closed:", closing_name((enum closing)i),
		    s->closed[i], out);
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
	};
	const struct cell configuration[] = {
		{ "reloads", s->reloads },
		{ "refused", s->reload_errors },
	};

	putc('\n', out);
	show_connections(s, out);
	show_cells("reports", reports, sizeof(reports) / sizeof(*reports), out);
	show_cells("configuration", configuration,
	    sizeof(configuration) / sizeof(*configuration), out);
}

static void
show_records(const struct status *s, FILE *out)
{
	const struct status_records *r = &s->records;
	const struct {
		const char *sign, *name;
		int64_t count;
	} terms[] = {
		{ "", "received", r->received },
		{ "+", "replayed", r->replayed },
		{ "=", "rejected", r->rejected },
		{ "+", "dropped", r->dropped },
		{ "+", "queued", r->queued },
		{ "+", "pending", r->pending },
		{ "+", "superseded", r->superseded },
		{ "+", "stored", r->stored },
		{ "+", "dead_letter", r->dead_letter },
	};

	putc('\n', out);
	for (size_t i = 0; i < sizeof(terms) / sizeof(*terms); i++) {
		fprintf(out, "%-11s %1s %-15s %20" PRId64 "\n",
		    i == 0 ? "records" : "", terms[i].sign, terms[i].name,
		    terms[i].count);
		for (int j = 0; i == 2 && j < REJECT_REASONS; j++)
			if (s->rejected[j] > 0)
				fprintf(out, "%15s%-15s %18" PRIu64 "\n", "",
				    reject_name((enum reject)j),
				    s->rejected[j]);
	}
}

static void
show_worker(const struct status *s, const struct status_worker *w, FILE *out)
{
	char generation[32], died[32], queued[32], pending[32], stored[32];
	char superseded[32], dead[32], pid[16] = "-", age[16] = "never";

	if (w->pid > 0)
		snprintf(pid, sizeof(pid), "%d", w->pid);
	if (w->last_flush_ts > 0)
		age_text(age, sizeof(age), since(s, w->last_flush_ts));
	if (w->pending < 0)
		snprintf(pending, sizeof(pending), "<0");
	else
		count_text(pending, sizeof(pending), (uint64_t)w->pending, 7);
	fprintf(out, "%4u %5s %-9s %7s %4s %7s %7s %8s %8s %6s %5s\n", w->slot,
	    count_text(generation, sizeof(generation), w->generation, 5),
	    w->state, pid, count_text(died, sizeof(died), w->restarts, 4),
	    count_text(queued, sizeof(queued), w->queued, 7), pending,
	    count_text(stored, sizeof(stored), w->stored, 8),
	    count_text(superseded, sizeof(superseded), w->superseded, 8),
	    count_text(dead, sizeof(dead), w->dead_letter, 6), age);
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

/* What a person should know of a worker beyond its figures. */
static void
show_trouble(const struct status *s, const struct status_worker *w, FILE *out)
{
	char text[512], when[32], age[16];
	int at = snprintf(text, sizeof(text),
	    "worker %u (generation %" PRIu64 "): ", w->slot, w->generation);
	time_t then = (time_t)w->last_error_ts;
	struct tm tm;

	if (w->trouble != NULL) {
		snprintf(text + at, sizeof(text) - (size_t)at,
		    "its segment cannot be read: %s", w->trouble);
		show_wrapped(text, out);
		return;
	}
	if (w->pid > 0 && !w->connected) {
		snprintf(text + at, sizeof(text) - (size_t)at,
		    "not connected to the database");
		show_wrapped(text, out);
	}
	if (w->last_error_ts == 0)
		return;
	/* A damaged segment may tell a year that no calendar has. */
	if (localtime_r(&then, &tm) == NULL ||
	    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(when, sizeof(when), "at no time");
	snprintf(text + at, sizeof(text) - (size_t)at,
	    "last error %s (%s ago): %u %s", when,
	    age_text(age, sizeof(age), since(s, w->last_error_ts)),
	    w->last_error_number, w->last_error);
	show_wrapped(text, out);
}

void
status_text(const struct status *status, FILE *out)
{
	show_head(status, out);
	show_input(status, out);
	show_records(status, out);
	if (status->count > 0)
		fputs("\nslot   gen state         pid died  queued pending   "
		      "stored  superd.   dead flush\n",
		    out);
	for (unsigned i = 0; i < status->count; i++)
		show_worker(status, &status->workers[i], out);
	for (unsigned i = 0; i < status->count; i++)
		show_trouble(status, &status->workers[i], out);
}
