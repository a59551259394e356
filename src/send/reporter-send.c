/* SPDX-License-Identifier: MIT
 *
 * reporter-send: reads records as lines of text and sends them to a reporter.
 *
 * Regular files are read twice, first to check all lines, then to send them:
 * so one fault prevents sending anything, in bounded memory.  Streams cannot
 * be read twice: their faulty lines are reported and skipped.
 */
#include "config.h"

#include "client/reporter_tls.h"
#include "lib/file.h"
#include "lib/text.h"
#include "send/check.h"
#include "send/feed.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

enum send_exit {
	EXIT_SENT = 0,
	EXIT_INPUT = 1, /* a line or a file is faulty */
	EXIT_USAGE = 2,
	EXIT_CONNECTION = 3
};

struct options {
	const char *host, *port;
	enum encode_dialect dialect;
	int64_t caller; /* -1: not given */
	bool verbose, tls, agent, check, json;
	struct reporter_tls_options pem;
	struct reporter_transport *transport; /* NULL: no TLS */
};

static void
options_fail(const char *fault)
{
	fprintf(stderr, "reporter-send: %s\n", fault);
	exit(EXIT_USAGE);
}

/* Check the lines of all inputs that can be read twice. */
static bool
inputs_check(struct feed *feed, char *const *files, int n)
{
	struct stat st;

	for (int i = 0; i < n; i++) {
		if (strcmp(files[i], "-") == 0)
			continue;
		if ((stat(files[i], &st) < 0 || S_ISREG(st.st_mode)) &&
		    feed_open(feed, files[i]))
			feed_run(feed);
	}
	return !feed->faulty;
}

static void
totals_print(uint64_t reports, uint64_t records)
{
	fprintf(stderr, "%" PRIu64 " reports with %" PRIu64 " records sent\n",
	    reports, records);
}

static int
inputs_send(const struct options *options, char *const *files, int n)
{
	static struct feed feed;
	static struct sender sender;
	enum sender_end end = SENDER_FAILED;

	feed_init(&feed, lines_parse, encode_ts_max(options->dialect), stderr);
	if (!inputs_check(&feed, files, n)) {
		fputs("nothing was sent\n", stderr);
		return EXIT_INPUT;
	}
	feed.lost = !sender_open(&sender, options->host, options->port,
	    options->dialect, options->transport);
	feed.sender = &sender;
	for (int i = 0; i < n && !feed.lost; i++)
		if (feed_open(&feed, files[i]))
			feed_run(&feed);
	if (!feed.lost)
		end = sender_finish(&sender);
	sender_close(&sender);
	if (end != SENDER_DONE)
		fprintf(stderr, "reporter-send: %s\n", sender.error);
	if (options->verbose && end != SENDER_FAILED)
		totals_print(sender.reports, sender.records);
	if (end == SENDER_FAILED)
		return EXIT_CONNECTION;
	return feed.faulty ? EXIT_INPUT : EXIT_SENT;
}

static void
agent_log(void *arg, enum reporter_level level, const char *text)
{
	const bool *verbose = arg;

	if (level < REPORTER_INFO || *verbose)
		fprintf(stderr, "reporter-send: %s\n", text);
}

/* SIGTERM and SIGINT end the input. */
static void
signals_stop(void)
{
	struct sigaction action = { .sa_handler = feed_stop };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

/* Until the end of all inputs, as the agent of those who write them. */
static int
inputs_count(struct options *options, char *const *files, int n)
{
	static struct feed feed;
	struct reporter *client =
	    reporter_open(&(const struct reporter_options){
		.size = sizeof(struct reporter_options),
		.hosts = options->host,
		.port = options->port,
		.caller = options->caller < 0 ? 0 : (uint32_t)options->caller,
		.log = agent_log,
		.log_arg = &options->verbose,
		.transport = options->transport,
	    });

	if (client == NULL)
		options_fail(
		    errno == EINVAL ? "-H or -p: invalid" : "out of memory");
	signals_stop();
	feed_init(&feed, lines_parse, RECORD_TS_MAX, stderr);
	feed.client = client;
	for (int i = 0; i < n; i++)
		if (feed_open(&feed, files[i]))
			feed_run(&feed);
	/* Not the end, which frees the totals. */
	bool sent = reporter_flush(client, SENDER_FINISH_MS) == 0;
	struct reporter_stats stats = { .size = sizeof(stats) };
	reporter_stats(client, &stats);
	if (options->verbose)
		totals_print(stats.reports, stats.results);
	if (reporter_close(client, sent ? SENDER_FINISH_MS : 0) < 0) {
		fprintf(stderr, "reporter-send: at the end not all was sent\n");
		return EXIT_CONNECTION;
	}
	return feed.faulty ? EXIT_INPUT : EXIT_SENT;
}

static void
usage(FILE *out)
{
	fputs("usage: reporter-send [-hVv] [--agent [--caller ADDRESS] | "
	      "-D native|elb|lars]\n"
	      "                     [-H HOST] [-p PORT]\n"
	      "                     [--tls [--ca FILE] [--cert FILE] "
	      "[--key FILE] [--insecure]]\n"
	      "                     [FILE ...]\n"
	      "       reporter-send --check [--json] [FILE ...]\n"
	      "lines: modid cmdid caller ts ip port succ err overload\n",
	    out);
}

enum long_option {
	OPTION_AGENT = 256,
	OPTION_CALLER,
	OPTION_TLS,
	OPTION_CA,
	OPTION_CERT,
	OPTION_KEY,
	OPTION_INSECURE,
	OPTION_CHECK,
	OPTION_JSON
};

static const struct option long_options[] = {
	{ "agent", no_argument, NULL, OPTION_AGENT },
	{ "caller", required_argument, NULL, OPTION_CALLER },
	{ "tls", no_argument, NULL, OPTION_TLS },
	{ "ca", required_argument, NULL, OPTION_CA },
	{ "cert", required_argument, NULL, OPTION_CERT },
	{ "key", required_argument, NULL, OPTION_KEY },
	{ "insecure", no_argument, NULL, OPTION_INSECURE },
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void
option_take(struct options *options, int option)
{
	switch (option) {
	case 'D':
		if (!encode_dialect(optarg, &options->dialect))
			options_fail("-D: expected native, elb or lars");
		break;
	case 'H':
		options->host = optarg;
		break;
	case 'p':
		options->port = optarg;
		break;
	case 'v':
		options->verbose = true;
		break;
	case OPTION_AGENT:
		options->agent = true;
		break;
	case OPTION_CALLER:
		if (!lines_address(optarg, &options->caller))
			options_fail(
			    "--caller: expected a dotted IPv4 address");
		break;
	case OPTION_TLS:
		options->tls = true;
		break;
	case OPTION_CA:
		options->pem.ca = optarg;
		break;
	case OPTION_CERT:
		options->pem.certificate = optarg;
		break;
	case OPTION_KEY:
		options->pem.key = optarg;
		break;
	case OPTION_INSECURE:
		options->pem.insecure = 1;
		break;
	case OPTION_CHECK:
		options->check = true;
		break;
	case OPTION_JSON:
		options->json = true;
		break;
	case 'V':
		puts("reporter-send " PACKAGE_VERSION);
		exit(EXIT_SENT);
	case 'h':
		usage(stdout);
		exit(EXIT_SENT);
	default:
		usage(stderr);
		exit(EXIT_USAGE);
	}
}

static void
options_read(struct options *options, int argc, char **argv)
{
	const struct reporter_tls_options *pem = &options->pem;
	int option;

	while ((option = getopt_long(
		    argc, argv, "D:H:p:Vhv", long_options, NULL)) != -1)
		option_take(options, option);
	if (!options->tls && (pem->ca != NULL || pem->certificate != NULL ||
				 pem->key != NULL || pem->insecure))
		options_fail("--ca, --cert, --key and --insecure require "
			     "--tls");
	if (pem->key != NULL && pem->certificate == NULL)
		options_fail("--key requires --cert");
	if (pem->ca != NULL && pem->insecure)
		options_fail("--ca and --insecure exclude each other");
	if (options->check && options->agent)
		options_fail("--agent and --check exclude each other");
	if (options->caller >= 0 && !options->agent)
		options_fail("--caller requires --agent");
	if (options->json && !options->check)
		options_fail("--json requires --check");
	if (options->agent && options->dialect != ENCODE_NATIVE)
		options_fail("--agent and -D exclude each other");
}

static void
tls_open(struct options *options)
{
#ifdef HAVE_OPENSSL
	char reason[512] = "--";

	options->pem.size = sizeof(options->pem);
	options->transport =
	    reporter_tls_new(&options->pem, reason + 2, sizeof(reason) - 2);
	if (options->transport == NULL)
		options_fail(reason);
#else
	(void)options;
	options_fail("--tls: this reporter-send was built without OpenSSL");
#endif
}

int
main(int argc, char **argv)
{
	struct options options = {
		.host = SENDER_HOST, .port = SENDER_PORT, .caller = -1
	};
	static char standard[] = "-";
	char *input[] = { standard }, **files = input;
	int n = 1;

	file_open_standard();
	stderr = text_guard(stderr);
	options_read(&options, argc, argv);
	if (options.tls)
		tls_open(&options);
	if (optind < argc) {
		files = argv + optind;
		n = argc - optind;
	}
	if (options.check) {
		stdout = text_guard(stdout);
		return check_files(files, n, options.json) ? EXIT_SENT
							   : EXIT_INPUT;
	}
	int status = options.agent ? inputs_count(&options, files, n)
				   : inputs_send(&options, files, n);
#ifdef HAVE_OPENSSL
	reporter_tls_free(options.transport);
#endif
	return status;
}
