/* SPDX-License-Identifier: MIT
 *
 * reporter-send: reads records as lines of text and sends them to a reporter.
 *
 * Regular files are read twice, first to check all lines, then to send them:
 * so one fault prevents sending anything, in bounded memory.  Streams cannot
 * be read twice: their faulty lines are reported and skipped.
 */
#include "config.h"

#include "lib/file.h"
#include "lib/text.h"
#include "send/check.h"
#include "send/feed.h"
#include "send/tls_client.h"

#include <getopt.h>
#include <inttypes.h>
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
	bool verbose, tls, insecure, check, json;
	struct tls_client_files pem;
};

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

static int
inputs_send(const struct options *options, struct sender_layer *layer,
    char *const *files, int n)
{
	static struct feed feed;
	static struct sender sender;
	enum sender_end end = SENDER_FAILED;

	feed_init(&feed, lines_parse, encode_ts_max(options->dialect), stderr);
	if (!inputs_check(&feed, files, n)) {
		fputs("nothing was sent\n", stderr);
		return EXIT_INPUT;
	}
	feed.lost =
	    !sender_open(
		&sender, options->host, options->port, options->dialect) ||
	    (layer != NULL && !sender_secure(&sender, layer, options->host));
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
		fprintf(stderr,
		    "%" PRIu64 " reports with %" PRIu64 " records sent\n",
		    sender.reports, sender.records);
	if (end == SENDER_FAILED)
		return EXIT_CONNECTION;
	return feed.faulty ? EXIT_INPUT : EXIT_SENT;
}

static void
usage(FILE *out)
{
	fputs("usage: reporter-send [-hVv] [-D native|elb|lars] [-H HOST] "
	      "[-p PORT]\n"
	      "                     [--tls [--ca FILE] [--cert FILE] "
	      "[--key FILE] [--insecure]]\n"
	      "                     [FILE ...]\n"
	      "       reporter-send --check [--json] [FILE ...]\n"
	      "lines: modid cmdid caller ts ip port succ err overload\n",
	    out);
}

enum long_option {
	OPTION_TLS = 256,
	OPTION_CA,
	OPTION_CERT,
	OPTION_KEY,
	OPTION_INSECURE,
	OPTION_CHECK,
	OPTION_JSON
};

static const struct option long_options[] = {
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
options_fail(const char *fault)
{
	fprintf(stderr, "reporter-send: %s\n", fault);
	exit(EXIT_USAGE);
}

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
		options->insecure = true;
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
	const struct tls_client_files *pem = &options->pem;
	int option;

	while ((option = getopt_long(
		    argc, argv, "D:H:p:Vhv", long_options, NULL)) != -1)
		option_take(options, option);
	if (!options->tls && (pem->ca != NULL || pem->certificate != NULL ||
				 pem->key != NULL || options->insecure))
		options_fail("--ca, --cert, --key and --insecure require "
			     "--tls");
	if (pem->key != NULL && pem->certificate == NULL)
		options_fail("--key requires --cert");
	if (pem->ca != NULL && options->insecure)
		options_fail("--ca and --insecure exclude each other");
	if (options->json && !options->check)
		options_fail("--json requires --check");
}

int
main(int argc, char **argv)
{
	struct options options = { .host = SENDER_HOST, .port = SENDER_PORT };
	static char standard[] = "-";
	char *input[] = { standard }, **files = input, reason[512];
	struct sender_layer *layer = NULL;
	int n = 1;

	file_open_standard();
	stderr = text_guard(stderr);
	options_read(&options, argc, argv);
	if (optind < argc) {
		files = argv + optind;
		n = argc - optind;
	}
	if (options.check) {
		stdout = text_guard(stdout);
		return check_files(files, n, options.json) ? EXIT_SENT
							   : EXIT_INPUT;
	}
	if (options.tls) {
		layer = tls_client_new(
		    &options.pem, options.insecure, reason, sizeof(reason));
		if (layer == NULL)
			options_fail(reason);
	}
	int status = inputs_send(&options, layer, files, n);
	tls_client_free(layer);
	return status;
}
