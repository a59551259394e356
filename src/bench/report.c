/* SPDX-License-Identifier: MIT
 *
 * Results, and where they go.  Owns the JSON object.
 */
#include "config.h"

#include "bench/bench.h"
#include "status/status.h"

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
	json_t *object, *notes, *found_all;
	struct {
		double *values;
		size_t n;
	} found[FIGURES_MAX];
};

static json_t *root;

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
	if (options.json) {
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
	put(root, "error", json_string(text));
	report_write();
}

void
report_open(void)
{
	char model[80], kernel[80] = "";
	struct rlimit files = { 0, 0 };
	struct utsname name;
	double load = 0;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;
	long long bytes =
	    (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		cpus = CPU_COUNT(&set);
	file_field("/proc/cpuinfo", "model name", model, sizeof(model));
	if (uname(&name) == 0)
		snprintf(kernel, sizeof(kernel), "%.20s %.55s", name.sysname,
		    name.release);
	getrlimit(RLIMIT_NOFILE, &files);
	if (getloadavg(&load, 1) != 1)
		load = 0;
	fail_hook(report_failed);
	root = json_pack("{s:s, s:s, s:{s:I, s:s, s:s, s:I, s:I, s:f}, s:[]}",
	    "program", "reporter-bench", "version", PACKAGE_VERSION, "machine",
	    "cpus", (json_int_t)cpus, "model", model, "kernel", kernel,
	    "memory", (json_int_t)bytes, "open_files",
	    (json_int_t)files.rlim_max, "load", load, "results");
	if (root == NULL)
		fail("the description of the machine is not UTF-8");
	if (options.json)
		return;
	printf("reporter-bench " PACKAGE_VERSION "\n"
	       "machine: %ld CPU%s, %s, %s, %lld MiB\n"
	       "limits: %llu open files; load before the start %.2f\n",
	    cpus, status_s((uint64_t)cpus), *model != '\0' ? model : "unknown",
	    kernel, bytes >> 20, (unsigned long long)files.rlim_max, load);
	if (load > 0.2 * (double)cpus)
		puts("machine is busy: ratios are valid, absolute figures are "
		     "not");
}

void
report_fact(const char *name, const char *text)
{
	progress_clear();
	if (!options.json)
		printf("%s: %s\n", name, text);
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
	result->found_all = json_array();
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
	double **values = &result->found[figure].values;
	size_t n = result->found[figure].n++;
	*values = grown(*values, (n + 1) * sizeof(**values));
	(*values)[n] = value;
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

static void
figure_add(struct result *result, const struct figure *figure, size_t i)
{
	const size_t of = figure->q > 0 ? figure->of : i;
	double *values = result->found[of].values;
	size_t n = result->found[of].n;
	struct spread s = spread_of(values, n);

	if (n == 0)
		return;
	json_t *found =
	    json_pack("{s:s, s:s}", "name", figure->name, "unit", figure->unit);
	json_array_append_new(result->found_all, found);
	if (figure->q > 0) {
		put(found, "value",
		    number(figure->q >= 1 || quantile_backed(n, figure->q)
			       ? quantile_of(values, n, figure->q)
			       : NAN));
		return;
	}
	put(found, "rounds", json_integer((json_int_t)n));
	put(found, "median", number(s.median));
	put(found, "least", number(s.min));
	put(found, "most", number(s.max));
}

/* A number of a figure as text. */
static const char *
figure_part(const json_t *figure, const char *name, char text[32])
{
	const json_t *value = json_object_get(figure, name);
	const char *unit = json_string_value(json_object_get(figure, "unit"));

	figure_text(
	    text, 32, json_is_real(value) ? json_real_value(value) : NAN, unit);
	return text;
}

static void
result_print(const struct result *result)
{
	char text[32], min[32], max[32];
	const char *name, *unit;
	json_t *figure, *note;
	size_t i;

	printf("\n%s: %s\n", result->bench, result->name);
	json_array_foreach(result->found_all, i, figure)
	{
		bool one = json_object_get(figure, "value") != NULL;

		json_unpack(figure, "{s:s, s:s}", "name", &name, "unit", &unit);
		figure_part(figure, one ? "value" : "median", text);
		if (strcmp(unit, "ratio") == 0 || strcmp(text, "-") == 0)
			unit = "";
		printf("    %-26s %8s ", name, text);
		if (one)
			puts(unit);
		else
			printf("%-13s (%s to %s)\n", unit,
			    figure_part(figure, "least", min),
			    figure_part(figure, "most", max));
	}
	json_array_foreach(result->notes, i, note)
	    printf("    note: %s\n", json_string_value(note));
}

void
result_end(struct result *result)
{
	progress_clear();
	for (size_t i = 0; result->figures && result->figures[i].name; i++)
		figure_add(result, &result->figures[i], i);
	for (size_t i = 0; i < FIGURES_MAX; i++)
		free(result->found[i].values);
	if (!options.json)
		result_print(result);
	if (json_array_size(result->found_all) > 0)
		json_object_set(result->object, "figures", result->found_all);
	if (json_array_size(result->notes) > 0)
		json_object_set(result->object, "notes", result->notes);
	json_array_append(json_object_get(root, "results"), result->object);
	json_decref(result->found_all);
	json_decref(result->notes);
	json_decref(result->object);
	free(result);
	fflush(stdout);
	/* Nobody would see what is still to come. */
	if (ferror(stdout))
		fail("cannot write the results: %m");
}
