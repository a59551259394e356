/* SPDX-License-Identifier: MIT
 *
 * Results.  Owns what was gathered for JSON.  Main thread; a lack of memory is
 * fatal.
 */
#include "config.h"

#include "bench/results.h"

#include "bench/fail.h"
#include "bench/quantile.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct results {
	json_t *root;    /* NULL: for people */
	json_t *current; /* of the case begun */
	bool goals;      /* the heading of the targets was written */
};

static bool progress_shown;

void
progress(const char *format, ...)
{
	va_list arguments;

	if (!isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	progress_shown = *format != '\0';
	fflush(stderr);
}

static void
progress_clear(void)
{
	if (progress_shown)
		progress("%s", "");
	progress_shown = false;
}

/* A figure that is not there is null: JSON has no NAN. */
static json_t *
number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static void
put(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, value) < 0)
		fail("no memory for results");
}

/* Returns whether all could be written, now and before. */
static bool
results_dump(const struct results *results)
{
	if (results->root != NULL) {
		json_dumpf(results->root, stdout,
		    JSON_INDENT(2) | JSON_REAL_PRECISION(6));
		putchar('\n');
	}
	return fflush(stdout) == 0 && !ferror(stdout);
}

static json_t *
array_of(json_t *object, const char *name)
{
	json_t *array = json_object_get(object, name);

	if (array == NULL) {
		array = json_array();
		put(object, name, array);
	}
	return array;
}

/* What was found before a failure is worth something to programs, too. */
static void
results_failed(void *arg, const char *text)
{
	struct results *results = arg;

	if (results->root == NULL)
		return;
	put(results->root, "error", json_string(text));
	results_dump(results);
}

/* ----------------------------------------------------------- the opening -- */

static void
machine_print(const struct machine *m)
{
	printf("reporter-bench " PACKAGE_VERSION "\n");
	printf("machine: %ld CPU%s, %s, %s, %llu MiB\n", m->cpus,
	    m->cpus == 1 ? "" : "s", *m->model != '\0' ? m->model : "unknown",
	    m->kernel, (unsigned long long)(m->memory >> 20));
	printf("limits: %llu open files; load before the start %.2f\n",
	    (unsigned long long)m->files, m->load);
	if (m->load > 0.2 * (double)m->cpus)
		printf("others use this machine: take the ratios, not the "
		       "absolute figures\n");
}

struct results *
results_open(bool json, const struct machine *m)
{
	struct results *results = memory(1, sizeof(*results));

	fail_tell(results_failed, results);
	if (!json) {
		machine_print(m);
		return results;
	}
	results->root =
	    json_pack("{s:s, s:s, s:{s:I, s:s, s:s, s:I, s:I, s:f}}", "program",
		"reporter-bench", "version", PACKAGE_VERSION, "machine", "cpus",
		(json_int_t)m->cpus, "model", m->model, "kernel", m->kernel,
		"memory", (json_int_t)m->memory, "open_files",
		(json_int_t)m->files, "load", m->load);
	if (results->root == NULL)
		fail("the machine's description is no text");
	array_of(results->root, "results");
	return results;
}

void
results_fact(struct results *results, const char *name, const char *text)
{
	progress_clear();
	if (results->root == NULL)
		printf("%s: %s\n", name, text);
	else
		put(results->root, name, json_string(text));
}

/* -------------------------------------------------------------- figures --- */

void
results_begin(
    struct results *results, const char *bench, const char *format, ...)
{
	char text[160];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	progress_clear();
	if (results->root == NULL) {
		printf("\n%s: %s\n", bench, text);
		return;
	}
	results->current = json_object();
	put(results->current, "bench", json_string(bench));
	put(results->current, "case", json_string(text));
}

void
results_end(struct results *results)
{
	fflush(stdout);
	/* Nobody would see what is still to come. */
	if (ferror(stdout))
		fail("the results cannot be written");
	if (results->root == NULL)
		return;
	json_array_append_new(
	    array_of(results->root, "results"), results->current);
	results->current = NULL;
}

void
results_parameter(struct results *results, const char *name, double value)
{
	if (results->root != NULL)
		put(results->current, name,
		    value == floor(value) ? json_integer((json_int_t)value)
					  : json_real(value));
}

void
results_word(struct results *results, const char *name, const char *word)
{
	if (results->root != NULL)
		put(results->current, name, json_string(word));
}

/* A ratio has no unit to show. */
static const char *
unit_text(const char *unit)
{
	return strcmp(unit, "ratio") == 0 ? "" : unit;
}

double
results_series(struct results *results, const char *name, const char *unit,
    double *values, size_t n)
{
	struct spread spread = spread_of(values, n);
	char median[32], min[32], max[32];

	if (results->root != NULL) {
		json_t *figure = json_object();

		put(figure, "name", json_string(name));
		put(figure, "unit", json_string(unit));
		put(figure, "rounds", json_integer((json_int_t)n));
		put(figure, "median", number(spread.median));
		put(figure, "least", number(spread.min));
		put(figure, "most", number(spread.max));
		json_array_append_new(
		    array_of(results->current, "figures"), figure);
		return spread.median;
	}
	figure_text(median, sizeof(median), spread.median, unit);
	figure_text(min, sizeof(min), spread.min, unit);
	figure_text(max, sizeof(max), spread.max, unit);
	printf("    %-26s %8s %-13s (%s to %s)\n", name, median,
	    unit_text(unit), min, max);
	return spread.median;
}

void
results_value(
    struct results *results, const char *name, const char *unit, double value)
{
	char text[32];

	if (results->root != NULL) {
		json_t *figure = json_object();

		put(figure, "name", json_string(name));
		put(figure, "unit", json_string(unit));
		put(figure, "value", number(value));
		json_array_append_new(
		    array_of(results->current, "figures"), figure);
		return;
	}
	figure_text(text, sizeof(text), value, unit);
	printf("    %-26s %8s %s\n", name, text,
	    isnan(value) ? "" : unit_text(unit));
}

void
results_note(struct results *results, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (results->root == NULL)
		printf("    note: %s\n", text);
	else
		json_array_append_new(
		    array_of(results->current, "notes"), json_string(text));
}

void
results_goal(struct results *results, const struct goal_line *line)
{
	const char *verdict = isnan(line->found) ? "not measured"
			      : line->met        ? "met"
						 : "missed";
	char bound[32], found[32];

	progress_clear();
	if (results->root != NULL) {
		json_array_append_new(array_of(results->root, "targets"),
		    json_pack("{s:s, s:s, s:s, s:s, s:f, s:o, s:s}", "number",
			line->number, "text", line->text, "unit", line->unit,
			"sense", line->at_most ? "at most" : "at least",
			"bound", line->bound, "found", number(line->found),
			"verdict", verdict));
		return;
	}
	if (!results->goals)
		printf(
		    "\n %-3s %-41s %9s %7s\n", "#", "target", "asked", "found");
	results->goals = true;
	figure_text(bound, sizeof(bound), line->bound, line->unit);
	figure_text(found, sizeof(found), line->found, line->unit);
	printf(" %-3s %-41s %s %6s %7s %-5s  %s\n", line->number, line->text,
	    line->at_most ? "<=" : ">=", bound, found, unit_text(line->unit),
	    verdict);
}

bool
results_close(struct results *results)
{
	progress_clear();
	fail_tell(NULL, NULL);
	bool good = results_dump(results);
	json_decref(results->root);
	free(results);
	return good;
}
