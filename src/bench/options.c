/* SPDX-License-Identifier: MIT
 *
 * The command line of reporter-bench.  Owns nothing; called once.  What is
 * wrong is said on standard error and ends the program with BENCH_USAGE.
 */
#include "config.h"

#include "bench/options.h"

#include "bench/fail.h"
#include "shm/segment.h"

#include <getopt.h>
#include <stdlib.h>

#define KEYS_MAX 10000000
#define CONNECTIONS_MAX 1000000
#define RATE_MAX 100000000
#define ROUNDS_MAX 1000
#define SECONDS_MAX 3600
#define SAMPLES_MAX 1000000
#define INTERVAL_MAX 60000
#define INTERVAL 100      /* flush_interval with --self, ms */
#define INTERVAL_SHORT 50 /* the same with --short */
#define CHUNK_MAX 1048576

void
options_usage(FILE *out)
{
	fputs(
	    "usage: reporter-bench --self [options] BENCHMARK ...\n"
	    "       reporter-bench [-c FILE] [-H HOST] [-p PORT] [-i INSTANCE] "
	    "[options]\n"
	    "                      BENCHMARK ...\n"
	    "benchmarks: absorb flush cost fresh flat backlog all targets\n"
	    "options: --json --strict --short --rounds N --seconds S "
	    "--samples N\n"
	    "         --keys N,... --connections N,... --workers N,... "
	    "--rate N,...\n"
	    "         --dialect NAME --chunk BYTES --interval MS --away S "
	    "--server FILE\n",
	    out);
}

enum {
	LONG_SELF = 256,
	LONG_JSON,
	LONG_STRICT,
	LONG_SHORT,
	LONG_ROUNDS,
	LONG_SECONDS,
	LONG_SAMPLES,
	LONG_KEYS,
	LONG_CONNECTIONS,
	LONG_WORKERS,
	LONG_RATE,
	LONG_DIALECT,
	LONG_INTERVAL,
	LONG_AWAY,
	LONG_CHUNK,
	LONG_SERVER
};

static const struct option long_options[] = {
	{ "self", no_argument, NULL, LONG_SELF },
	{ "json", no_argument, NULL, LONG_JSON },
	{ "strict", no_argument, NULL, LONG_STRICT },
	{ "short", no_argument, NULL, LONG_SHORT },
	{ "rounds", required_argument, NULL, LONG_ROUNDS },
	{ "seconds", required_argument, NULL, LONG_SECONDS },
	{ "samples", required_argument, NULL, LONG_SAMPLES },
	{ "keys", required_argument, NULL, LONG_KEYS },
	{ "connections", required_argument, NULL, LONG_CONNECTIONS },
	{ "workers", required_argument, NULL, LONG_WORKERS },
	{ "rate", required_argument, NULL, LONG_RATE },
	{ "dialect", required_argument, NULL, LONG_DIALECT },
	{ "interval", required_argument, NULL, LONG_INTERVAL },
	{ "away", required_argument, NULL, LONG_AWAY },
	{ "chunk", required_argument, NULL, LONG_CHUNK },
	{ "server", required_argument, NULL, LONG_SERVER },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void __attribute__((noreturn))
usage_wrong(const char *option, const char *found, const char *expected)
{
	fprintf(stderr, "reporter-bench: %s: found \"%s\", expected %s\n",
	    option, found, expected);
	exit(BENCH_USAGE);
}

static struct list
read_list(const char *option, uint64_t max)
{
	struct list list;
	char expected[96];

	if (list_read(&list, optarg, max))
		return list;
	snprintf(expected, sizeof(expected),
	    "up to %d numbers from 1 to %llu, separated by commas", LIST_MAX,
	    (unsigned long long)max);
	usage_wrong(option, optarg, expected);
}

static unsigned
read_number(const char *option, unsigned max)
{
	struct list list;
	char expected[64];

	if (list_read(&list, optarg, max) && list.n == 1)
		return (unsigned)list.value[0];
	snprintf(expected, sizeof(expected), "a number from 1 to %u", max);
	usage_wrong(option, optarg, expected);
}

static double
read_seconds(const char *option)
{
	char *end;
	double seconds = strtod(optarg, &end);

	if (end != optarg && *end == '\0' && seconds >= 0.01 &&
	    seconds <= SECONDS_MAX)
		return seconds;
	usage_wrong(option, optarg, "seconds from 0.01 to 3600");
}

/* Take one option with a value.  Returns false when there is none of this
   code. */
static bool
option_take(struct options *o, int code)
{
	switch (code) {
	case 'c':
		o->conf = optarg;
		return true;
	case 'H':
		o->host = optarg;
		return true;
	case 'p':
		o->port = optarg;
		return true;
	case 'i':
		if (!segment_instance_ok(optarg))
			usage_wrong(
			    "-i", optarg, "up to 31 letters, digits, - and _");
		o->instance = optarg;
		return true;
	case LONG_ROUNDS:
		o->rounds = read_number("--rounds", ROUNDS_MAX);
		return true;
	case LONG_SECONDS:
		o->seconds = read_seconds("--seconds");
		return true;
	case LONG_SAMPLES:
		o->samples = read_number("--samples", SAMPLES_MAX);
		return true;
	case LONG_KEYS:
		o->keys = read_list("--keys", KEYS_MAX);
		return true;
	case LONG_CONNECTIONS:
		o->connections = read_list("--connections", CONNECTIONS_MAX);
		return true;
	case LONG_WORKERS:
		o->workers = read_list("--workers", WORKERS_MAX);
		return true;
	case LONG_RATE:
		o->rate = read_list("--rate", RATE_MAX);
		return true;
	case LONG_DIALECT:
		o->dialect_given = encode_dialect(optarg, &o->dialect);
		if (!o->dialect_given)
			usage_wrong("--dialect", optarg, "native, elb or lars");
		return true;
	case LONG_INTERVAL:
		o->interval_ms = read_number("--interval", INTERVAL_MAX);
		return true;
	case LONG_AWAY:
		o->away = read_seconds("--away");
		return true;
	case LONG_CHUNK:
		o->chunk = read_number("--chunk", CHUNK_MAX);
		return true;
	case LONG_SERVER:
		o->server = optarg;
		return true;
	default:
		return false;
	}
}

char **
options_read(struct options *o, int argc, char **argv)
{
	int code;

	while ((code = getopt_long(
		    argc, argv, "c:H:p:i:Vh", long_options, NULL)) != -1) {
		switch (code) {
		case LONG_SELF:
			o->self = true;
			break;
		case LONG_JSON:
			o->json = true;
			break;
		case LONG_STRICT:
			o->strict = true;
			break;
		case LONG_SHORT:
			o->brief = true;
			break;
		case 'V':
			puts("reporter-bench " PACKAGE_VERSION);
			exit(BENCH_DONE);
		case 'h':
			options_usage(stdout);
			exit(BENCH_DONE);
		default:
			if (option_take(o, code))
				break;
			options_usage(stderr);
			exit(BENCH_USAGE);
		}
	}
	if (o->interval_ms == 0)
		o->interval_ms = o->brief ? INTERVAL_SHORT : INTERVAL;
	return argv + optind;
}
