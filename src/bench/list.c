/* SPDX-License-Identifier: MIT
 *
 * Numbers of the command line.  Owns nothing; cannot fail.
 */
#include "config.h"

#include "bench/bench.h"

#include <ctype.h>
#include <stdlib.h>

struct list
list_or(const struct list *list, size_t n, const uint64_t *values)
{
	struct list standard = { .n = n };

	if (list->n > 0)
		return *list;
	for (size_t i = 0; i < n; i++)
		standard.value[i] = values[i];
	return standard;
}

/* One number at *text, which is moved behind it.  0: there is none. */
static uint64_t
number_read(const char **text, uint64_t max)
{
	uint64_t number = 0, unit = 1;

	for (; isdigit((unsigned char)**text); ++*text) {
		number = number * 10 + (uint64_t)(**text - '0');
		if (number > max)
			return 0;
	}
	if (**text == 'k')
		unit = 1000;
	else if (**text == 'M')
		unit = 1000000;
	*text += unit != 1;
	return number <= max / unit ? number * unit : 0;
}

bool
list_read(struct list *list, const char *text, uint64_t max)
{
	list->n = 0;
	do {
		if (list->n == LIST_MAX)
			return false;
		uint64_t number = number_read(&text, max);
		if (number == 0)
			return false;
		list->value[list->n++] = number;
	} while (*text++ == ',');
	return text[-1] == '\0';
}

unsigned
bench_rounds(const struct bench *bench, unsigned own)
{
	return bench->options->rounds != 0 ? bench->options->rounds : own;
}

double
bench_seconds(const struct bench *bench, double own)
{
	return bench->options->seconds > 0 ? bench->options->seconds : own;
}

uint64_t
bench_chunk(const struct bench *bench, uint64_t own)
{
	return bench->options->chunk != 0 ? bench->options->chunk : own;
}
