/* SPDX-License-Identifier: MIT
 *
 * The engine: parameters, what it prints, failing, waiting and the clock.
 */
#include "config.h"

#include "t/bench/bench.h"
#include "lib/clock.h"
#include "lib/text.h"

#include <stdlib.h>
#include <time.h>

static json_t *parameters;

int64_t
parameter(const char *name)
{
	return (int64_t)json_number_value(json_object_get(parameters, name));
}

json_t *
parameter_list(const char *name)
{
	return json_object_get(parameters, name);
}

const char *
parameter_text(const char *name)
{
	return json_string_value(json_object_get(parameters, name));
}

bool
parameters_read(const char *text)
{
	parameters = json_loads(text, 0, NULL);
	return json_is_object(parameters);
}

/* Takes the line over.  Whoever read what is printed may be gone. */
static void
print(json_t *line)
{
	json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(line);
	putchar('\n');
	if (fflush(stdout) != 0)
		exit(ENGINE_FAILED);
}

/* Text from the system or the database may be no UTF-8, or be cut. */
static json_t *
string(const char *text)
{
	char clean[1024];

	text_escape(clean, sizeof(clean), text);
	return json_string(clean);
}

void
figure(size_t case_number, const char *name, const char *unit, double value)
{
	/* JSON has no NAN. */
	json_t *number = isfinite(value) ? json_real(value) : json_null();

	print(json_pack("{s:[I,s,s,o]}", "figure", (json_int_t)case_number,
	    name, unit, number));
}

void
fact(const char *name, json_t *value)
{
	print(json_pack("{s:[s,o]}", "fact", name, value));
}

void
note(size_t case_number, const char *format, ...)
{
	char text[512];

	FORMAT(text, format);
	print(json_pack(
	    "{s:[I,o]}", "note", (json_int_t)case_number, string(text)));
}

void
progress(const char *format, ...)
{
	char text[128];

	FORMAT(text, format);
	print(json_pack("{s:o}", "progress", string(text)));
}

void
fail(const char *format, ...)
{
	char text[512];

	FORMAT(text, format);
	print(json_pack("{s:o}", "error", string(text)));
	exit(ENGINE_FAILED);
}

double
clock_now(void)
{
	return (double)monotonic_us() / 1e6;
}

void
clock_sleep(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	nanosleep(&t, NULL);
}

bool
wait_more(struct wait *wait, uint64_t left)
{
	if (left == 0)
		return false;
	double now = clock_now();
	if (wait->since == 0 || left < wait->min) {
		wait->since = now;
		wait->min = left;
	} else if (now - wait->since > wait->timeout) {
		if (wait->what == NULL)
			return false;
		fail("timed out after %g s waiting for %s", wait->timeout,
		    wait->what);
	}
	clock_sleep(wait->pause);
	return true;
}

void *
grown(void *p, size_t bytes)
{
	p = realloc(p, bytes);
	if (p == NULL)
		fail("out of memory");
	return p;
}
