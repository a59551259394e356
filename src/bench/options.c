/* SPDX-License-Identifier: MIT
 *
 * The command line.
 */
#include "config.h"

#include "bench/bench.h"
#include "shm/segment.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 3600
struct options options;

enum kind {
	FLAG,    /* bool */
	TEXT,    /* const char * */
	NUMBERS, /* struct list, each 1 to max */
	NUMBER,  /* the same, of one */
	SECONDS, /* double */
};

#define AT(field) offsetof(struct options, field)

static const struct choice {
	const char *name; /* NULL: the letter alone */
	char letter;      /* 0: the name alone */
	enum kind kind;
	size_t at; /* of struct options */
	uint64_t max;
} choices[] = {
	{ "self", 0, FLAG, AT(self), 0 },
	{ "json", 0, FLAG, AT(json), 0 },
	{ NULL, 'c', TEXT, AT(conf), 0 },
	{ NULL, 'H', TEXT, AT(host), 0 },
	{ NULL, 'p', TEXT, AT(port), 0 },
	{ NULL, 'i', TEXT, AT(instance), 0 },
	{ "server", 0, TEXT, AT(server), 0 },
	{ "dialect", 0, TEXT, AT(dialect_name), 0 },
	{ "rounds", 0, NUMBER, AT(rounds), 1000 },
	{ "samples", 0, NUMBER, AT(samples), 1000000 },
	{ "interval", 0, NUMBER, AT(interval), 60000 },
	{ "chunk", 0, NUMBER, AT(chunk), 1048576 },
	{ "keys", 0, NUMBERS, AT(keys), 10000000 },
	{ "connections", 0, NUMBERS, AT(connections), 1000000 },
	{ "workers", 0, NUMBERS, AT(workers), WORKERS_MAX },
	{ "rate", 0, NUMBERS, AT(rate), 100000000 },
	{ "seconds", 0, SECONDS, AT(seconds), 0 },
	{ "away", 0, SECONDS, AT(away), 0 },
};
#define CHOICES (sizeof(choices) / sizeof(*choices))
#define LONG 256 /* code of the first of them that has a name alone */

static bool
seconds_read(double *seconds, const char *text)
{
	char *end;

	*seconds = strtod(text, &end);
	return end != text && *end == '\0' && *seconds >= 0.01 &&
	       *seconds <= SECONDS_MAX;
}

static void __attribute__((noreturn))
value_invalid(const struct choice *c, const char *expected)
{
	fprintf(stderr,
	    "reporter-bench: %s%s: invalid value \"%s\": expected "
	    "%s\n",
	    c->name != NULL ? "--" : "-",
	    c->name != NULL ? c->name : (char[]){ c->letter, 0 }, optarg,
	    expected);
	exit(BENCH_USAGE);
}

static void
choice_take(const struct choice *c)
{
	void *field = (char *)&options + c->at;
	struct list *list = field;
	char expected[80];

	switch (c->kind) {
	case FLAG:
		*(bool *)field = true;
		return;
	case TEXT:
		*(const char **)field = optarg;
		if (field == (void *)&options.instance &&
		    !segment_instance_ok(optarg))
			value_invalid(c, "up to 31 letters, digits, - and _");
		if (field == (void *)&options.dialect_name &&
		    !encode_dialect(optarg, &options.dialect))
			value_invalid(c, "native, elb or lars");
		return;
	case SECONDS:
		if (!seconds_read(field, optarg))
			value_invalid(c, "0.01 to 3600 seconds");
		return;
	case NUMBER:
	case NUMBERS:
		if (list_read(list, optarg, c->max) &&
		    (c->kind == NUMBERS || list->n == 1))
			return;
		snprintf(expected, sizeof(expected),
		    c->kind == NUMBER
			? "a number from 1 to %llu"
			: "up to 8 numbers from 1 to %llu, separated by commas",
		    (unsigned long long)c->max);
		value_invalid(c, expected);
	}
}

/* What getopt_long() needs. */
static void
choices_fill(struct option *longs, char *letters)
{
	for (size_t i = 0; i < CHOICES; i++) {
		if (choices[i].name != NULL) {
			*longs++ = (struct option){ choices[i].name,
				choices[i].kind != FLAG, NULL, LONG + (int)i };
		} else {
			*letters++ = choices[i].letter;
			*letters++ = ':';
		}
	}
	*longs++ = (struct option){ "help", 0, NULL, 'h' };
	*longs = (struct option){ "version", 0, NULL, 'V' };
	strcpy(letters, "hV");
}

char **
options_read(int argc, char **argv, void (*usage)(FILE *out))
{
	struct option longs[CHOICES + 3] = { 0 };
	char letters[2 * CHOICES + 3];
	int code;

	choices_fill(longs, letters);
	while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (code == 'V' || code == 'h') {
			if (code == 'V')
				puts("reporter-bench " PACKAGE_VERSION);
			else
				usage(stdout);
			exit(BENCH_DONE);
		}
		if (code == '?') {
			usage(stderr);
			exit(BENCH_USAGE);
		}
		size_t i = 0;
		while (code < LONG && choices[i].letter != code)
			i++;
		choice_take(&choices[code < LONG ? i : (size_t)code - LONG]);
	}
	return argv + optind;
}
