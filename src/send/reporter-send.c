/* SPDX-License-Identifier: MIT
 *
 * reporter-send: reads records as people write them and sends them to a
 * reporter.  A process of its own, one thread.  Every failure is told on
 * standard error and in the exit status.
 *
 * Regular files are read twice, first to check all lines, then to send them;
 * so a fault anywhere keeps everything back, in bounded memory.  Streams
 * cannot be read twice: their faulty lines are reported and passed over.
 */
#include "config.h"

#include "send/lines.h"
#include "send/sender.h"
#include "send/tls_client.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum send_exit {
	EXIT_SENT = 0,
	EXIT_INPUT = 1, /* a line or a file is faulty */
	EXIT_USAGE = 2,
	EXIT_CONNECTION = 3
};

struct options {
	const char *host, *port;
	enum encode_dialect dialect;
	bool verbose;
	bool tls, insecure;
	struct tls_client_files files; /* of TLS */
};

/* One walk over an input. */
struct walk {
	struct lines lines;
	struct sender *sender; /* NULL: only check */
	uint64_t ts_max;
	bool lost;   /* the connection */
	bool faulty; /* the input */
};

/*
 * Nothing waits in the buffer, so reading may block: send what there is, and
 * look out for the server while waiting for input.
 */
static bool
walk_idle(struct walk *walk)
{
	struct pollfd fds[] = {
		{ .fd = walk->lines.fd, .events = POLLIN },
		{ .fd = walk->sender->fd, .events = POLLIN },
	};

	if (poll(fds, 1, 0) > 0)
		return true;
	if (!sender_flush(walk->sender))
		return false;
	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		continue;
	return fds[1].revents == 0 || sender_alive(walk->sender);
}

static void
walk_line(struct walk *walk, char *text, size_t length)
{
	struct record record;

	switch (lines_parse(
	    &walk->lines, text, length, walk->ts_max, &record, stderr)) {
	case LINES_RECORD:
		walk->lost =
		    walk->sender != NULL && !sender_add(walk->sender, &record);
		break;
	case LINES_BAD:
		walk->faulty = true;
		break;
	case LINES_NOTHING:
		break;
	}
}

static void
walk_lines(struct walk *walk)
{
	struct lines *lines = &walk->lines;
	size_t length;
	char *text;

	while (!walk->lost) {
		if (walk->sender != NULL && !lines_ready(lines) &&
		    !walk_idle(walk)) {
			walk->lost = true;
			return;
		}
		switch (lines_next(lines, &text, &length)) {
		case LINES_END:
			return;
		case LINES_TEXT:
			walk_line(walk, text, length);
			break;
		case LINES_TOO_LONG:
			fprintf(stderr,
			    "%s:%lu: line: found more than %d bytes, expected "
			    "9 fields\n",
			    lines->file, lines->number, LINES_LENGTH_MAX - 2);
			walk->faulty = true;
			break;
		case LINES_ERROR:
			fprintf(
			    stderr, "%s: %s\n", lines->file, strerror(errno));
			walk->faulty = true;
			return;
		}
	}
}

static bool
file_is_standard(const char *file)
{
	return strcmp(file, "-") == 0;
}

static void
walk_file(struct walk *walk, const char *file)
{
	bool standard = file_is_standard(file);
	int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", file, strerror(errno));
		walk->faulty = true;
		return;
	}
	lines_init(&walk->lines, fd, standard ? "standard input" : file);
	walk_lines(walk);
	if (!standard)
		close(fd);
}

/* Whether all inputs that can be read twice are right. */
static bool
inputs_check(struct walk *walk, char *const *files, int n)
{
	struct stat st;

	walk->sender = NULL;
	for (int i = 0; i < n; i++) {
		if (file_is_standard(files[i]))
			continue;
		if (stat(files[i], &st) < 0 || S_ISREG(st.st_mode))
			walk_file(walk, files[i]);
	}
	return !walk->faulty;
}

/* Connect, and begin TLS if that is asked for. */
static bool
sender_connect(struct sender *sender, const struct options *options,
    struct sender_layer *layer)
{
	return sender_open(
		   sender, options->host, options->port, options->dialect) &&
	       (layer == NULL || sender_secure(sender, layer, options->host));
}

static int
inputs_send(const struct options *options, struct sender_layer *layer,
    char *const *files, int n)
{
	static struct walk walk;
	static struct sender sender;
	enum sender_end end = SENDER_FAILED;

	walk.ts_max = encode_ts_max(options->dialect);
	if (!inputs_check(&walk, files, n)) {
		fputs("nothing was sent\n", stderr);
		return EXIT_INPUT;
	}
	walk.lost = !sender_connect(&sender, options, layer);
	walk.sender = &sender;
	for (int i = 0; i < n && !walk.lost; i++)
		walk_file(&walk, files[i]);
	if (!walk.lost)
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
	return walk.faulty ? EXIT_INPUT : EXIT_SENT;
}

static void
usage(FILE *out)
{
	fputs("usage: reporter-send [-hVv] [-D native|elb|lars] [-H HOST] "
	      "[-p PORT]\n"
	      "                     [--tls [--ca FILE] [--cert FILE] "
	      "[--key FILE] [--insecure]]\n"
	      "                     [FILE ...]\n"
	      "lines: modid cmdid caller ts ip port succ err overload\n",
	    out);
}

enum long_option {
	OPTION_TLS = 256,
	OPTION_CA,
	OPTION_CERT,
	OPTION_KEY,
	OPTION_INSECURE
};

static const struct option long_options[] = {
	{ "tls", no_argument, NULL, OPTION_TLS },
	{ "ca", required_argument, NULL, OPTION_CA },
	{ "cert", required_argument, NULL, OPTION_CERT },
	{ "key", required_argument, NULL, OPTION_KEY },
	{ "insecure", no_argument, NULL, OPTION_INSECURE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* Take an option of TLS.  Returns false when it is none. */
static bool
option_tls(struct options *options, int option)
{
	switch (option) {
	case OPTION_TLS:
		options->tls = true;
		return true;
	case OPTION_CA:
		options->files.ca = optarg;
		return true;
	case OPTION_CERT:
		options->files.certificate = optarg;
		return true;
	case OPTION_KEY:
		options->files.key = optarg;
		return true;
	case OPTION_INSECURE:
		options->insecure = true;
		return true;
	default:
		return false;
	}
}

static void
option_dialect(struct options *options)
{
	if (encode_dialect(optarg, &options->dialect))
		return;
	fprintf(stderr,
	    "reporter-send: -D: found \"%s\", expected native, elb or lars\n",
	    optarg);
	exit(EXIT_USAGE);
}

static void
options_read(struct options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(
		    argc, argv, "D:H:p:Vhv", long_options, NULL)) != -1) {
		switch (option) {
		case 'D':
			option_dialect(options);
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
		case 'V':
			puts("reporter-send " PACKAGE_VERSION);
			exit(EXIT_SENT);
		case 'h':
			usage(stdout);
			exit(EXIT_SENT);
		default:
			if (option_tls(options, option))
				break;
			usage(stderr);
			exit(EXIT_USAGE);
		}
	}
}

/* What hangs together of the options of TLS. */
static void
options_check(const struct options *options)
{
	const struct tls_client_files *files = &options->files;
	const char *fault = NULL;

	if (!options->tls && (files->ca != NULL || files->certificate != NULL ||
				 files->key != NULL || options->insecure))
		fault = "--ca, --cert, --key and --insecure need --tls";
	else if (files->key != NULL && files->certificate == NULL)
		fault = "--key needs --cert";
	else if (files->ca != NULL && options->insecure)
		fault = "--ca and --insecure exclude each other";
	if (fault == NULL)
		return;
	fprintf(stderr, "reporter-send: %s\n", fault);
	exit(EXIT_USAGE);
}

int
main(int argc, char **argv)
{
	struct options options = { .host = SENDER_HOST, .port = SENDER_PORT };
	struct sender_layer *layer = NULL;
	static char standard[] = "-";
	char *files[] = { standard };
	char reason[512];
	int status;

	options_read(&options, argc, argv);
	options_check(&options);
	if (options.tls) {
		layer = tls_client_new(
		    &options.files, options.insecure, reason, sizeof(reason));
		if (layer == NULL) {
			fprintf(stderr, "reporter-send: %s\n", reason);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		status = inputs_send(&options, layer, files, 1);
	else
		status =
		    inputs_send(&options, layer, argv + optind, argc - optind);
	tls_client_free(layer);
	return status;
}
