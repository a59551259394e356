/* SPDX-License-Identifier: MIT
 *
 * Results, and where they go.  Owns the JSON object.
 */
#include "config.h"

#include "bench/bench.h"

#include <jansson.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

struct result {
	const char *bench;
	char name[160];
	const struct figure *figures;
	json_t *object, *notes;
	struct {
		double *values;
		size_t n;
	} found[FIGURES_MAX];
};

static json_t *root; /* NULL: for people */

/* ---------------------------------------------------------------- report -- */

static void
put(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, value) < 0)
		fail("out of memory, or not UTF-8: %s", name);
}

/* Returns whether all could be written, now and before. */
static bool
report_write(void)
{
	if (root != NULL) {
		json_dumpf(
		    root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
		putchar('\n');
	}
	return fflush(stdout) == 0 && !ferror(stdout);
}

/* What was measured before a failure is worth something to programs. */
static void
report_failed(const char *text)
{
	if (root == NULL)
		return;
	put(root, "error", json_string(text));
	report_write();
}

void
report_open(void)
{
	char model[80], kernel[80] = "";
	struct rlimit files = { 0, 0 };
	struct utsname name;
	cpu_set_t set;
	double load = 0;
	long cpus = sched_getaffinity(0, sizeof(set), &set) == 0
			? CPU_COUNT(&set)
			: sysconf(_SC_NPROCESSORS_ONLN);
	long long memory_size =
	    (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

	file_field("/proc/cpuinfo", "model name", model, sizeof(model));
	if (uname(&name) == 0)
		snprintf(kernel, sizeof(kernel), "%.20s %.55s", name.sysname,
		    name.release);
	getrlimit(RLIMIT_NOFILE, &files);
	if (getloadavg(&load, 1) != 1)
		load = 0;
	fail_hook(report_failed);
	if (options.json) {
		root = json_pack("{s:s, s:s, s:{s:I, s:s, s:s, s:I, s:I, s:f},"
				 " s:[]}",
		    "program", "reporter-bench", "version", PACKAGE_VERSION,
		    "machine", "cpus", (json_int_t)cpus, "model", model,
		    "kernel", kernel, "memory", (json_int_t)memory_size,
		    "open_files", (json_int_t)files.rlim_max, "load", load,
		    "results");
		if (root == NULL)
			fail("the description of the machine is not UTF-8");
		return;
	}
	printf("reporter-bench " PACKAGE_VERSION "\n"
	       "machine: %ld CPU%s, %s, %s, %lld MiB\n"
	       "limits: %llu open files; load before the start %.2f\n",
	    cpus, cpus == 1 ? "" : "s", *model != '\0' ? model : "unknown",
	    kernel, memory_size >> 20, (unsigned long long)files.rlim_max,
	    load);
	if (load > 0.2 * (double)cpus)
		puts("machine is busy: ratios are valid, absolute figures are "
		     "not");
}

void
report_fact(const char *name, const char *text)
{
	progress_clear();
	if (root == NULL)
		printf("%s: %s\n", name, text);
	else
		put(root, name, json_string(text));
}

void
report_close(void)
{
	progress_clear();
	fail_hook(NULL);
	if (!report_write())
		fail("cannot write the results: %m");
	json_decref(root);
}

/* --------------------------------------------------------------- results -- */

struct result *
result_new(
    const char *bench, const struct figure *figures, const char *format, ...)
{
	struct result *result = memory(1, sizeof(*result));

	FORMAT(result->name, format);
	result->bench = bench;
	result->figures = figures;
	result->object = json_object();
	result->notes = json_array();
	result_word(result, "bench", bench);
	result_word(result, "case", result->name);
	return result;
}

void
result_number(struct result *result, const char *name, double value)
{
	put(result->object, name,
	    value == floor(value) ? json_integer((json_int_t)value)
				  : json_real(value));
}

void
result_word(struct result *result, const char *name, const char *word)
{
	put(result->object, name, json_string(word));
}

void
result_put(struct result *result, size_t figure, double value)
{
	if (result == NULL)
		return;
	size_t n = result->found[figure].n++;
	result->found[figure].values = grown(result->found[figure].values,
	    (n + 1) * sizeof(*result->found[figure].values));
	result->found[figure].values[n] = value;
}

double
result_median(const struct result *result, size_t figure)
{
	return spread_of(result->found[figure].values, result->found[figure].n)
	    .median;
}

void
result_note(struct result *result, const char *format, ...)
{
	char text[512];

	FORMAT(text, format);
	json_array_append_new(result->notes, json_string(text));
}

/* JSON has no NAN: a figure that was not measured is null. */
static json_t *
number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *
figure_json(const struct figure *figure, double value, const struct spread *s)
{
	if (figure->q > 0)
		return json_pack("{s:s, s:s, s:o}", "name", figure->name,
		    "unit", figure->unit, "value", number(value));
	return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o}", "name", figure->name,
	    "unit", figure->unit, "rounds", (json_int_t)s->n, "median",
	    number(value), "least", number(s->min), "most", number(s->max));
}

static void
figure_print(const struct figure *figure, double value, const struct spread *s)
{
	const char *unit = figure->unit;
	char text[32], min[32], max[32];

	figure_text(text, sizeof(text), value, unit);
	figure_text(min, sizeof(min), s->min, unit);
	figure_text(max, sizeof(max), s->max, unit);
	if (strcmp(unit, "ratio") == 0 || isnan(value))
		unit = "";
	if (figure->q > 0)
		printf("    %-26s %8s %s\n", figure->name, text, unit);
	else
		printf("    %-26s %8s %-13s (%s to %s)\n", figure->name, text,
		    unit, min, max);
}

/* Print a figure, or add it to the array. */
static void
figure_end(
    struct result *result, const struct figure *figure, size_t i, json_t *array)
{
	const size_t of = figure->q > 0 ? figure->of : i;
	double *values = result->found[of].values;
	size_t n = result->found[of].n;
	struct spread s = spread_of(values, n);
	double value = s.median;

	if (n == 0)
		return;
	if (figure->q > 0)
		value = figure->q < 1 && !quantile_backed(n, figure->q)
			    ? NAN
			    : quantile_of(values, n, figure->q);
	if (root == NULL)
		figure_print(figure, value, &s);
	else
		json_array_append_new(array, figure_json(figure, value, &s));
}

void
result_end(struct result *result)
{
	json_t *note, *figures = json_array();
	size_t i;

	progress_clear();
	if (root == NULL)
		printf("\n%s: %s\n", result->bench, result->name);
	for (i = 0; result->figures != NULL && result->figures[i].name; i++)
		figure_end(result, &result->figures[i], i, figures);
	while (i-- > 0)
		free(result->found[i].values);
	if (root == NULL)
		json_array_foreach(result->notes, i, note)
		    printf("    note: %s\n", json_string_value(note));
	if (json_array_size(figures) > 0)
		json_object_set(result->object, "figures", figures);
	if (json_array_size(result->notes) > 0)
		json_object_set(result->object, "notes", result->notes);
	if (root != NULL)
		json_array_append(
		    json_object_get(root, "results"), result->object);
	json_decref(figures);
	json_decref(result->notes);
	json_decref(result->object);
	free(result);
	fflush(stdout);
	/* Nobody would see what is still to come. */
	if (ferror(stdout))
		fail("cannot write the results: %m");
}
