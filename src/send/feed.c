/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "send/feed.h"

#include "lib/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

void
feed_init(struct feed *feed, lines_parser *parse, uint64_t ts_max, FILE *errors)
{
	memset(feed, 0, sizeof(*feed));
	feed->parse = parse;
	feed->ts_max = ts_max;
	feed->errors = errors;
}

static void
feed_fail(struct feed *feed)
{
	fprintf(feed->errors, "%s: %s\n", feed->name, strerror(errno));
	feed->faulty = true;
}

/* The next line has to be read.  If that would block, send what there is, and
   watch the server while waiting. */
static bool
feed_wait(void *arg)
{
	struct feed *feed = arg;
	struct pollfd fds[] = {
		{ .fd = feed->lines.fd, .events = POLLIN },
		{ .fd = feed->sender->channel.fd, .events = POLLIN },
	};

	if (poll(fds, 1, 0) > 0)
		return true;
	feed->lost = !sender_flush(feed->sender);
	while (!feed->lost && poll(fds, 2, -1) < 0 && errno == EINTR)
		continue;
	if (fds[1].revents != 0)
		feed->lost = !sender_alive(feed->sender);
	return !feed->lost;
}

static volatile sig_atomic_t feed_stopped;

void
feed_stop(int signal)
{
	feed_stopped = signal;
}

/* The same for a client, which needs no help: wait for the line or a signal. */
static bool
feed_wait_stop(void *arg)
{
	struct feed *feed = arg;
	struct pollfd fd = { .fd = feed->lines.fd, .events = POLLIN };
	sigset_t none;

	sigemptyset(&none);
	while (feed_stopped == 0 && ppoll(&fd, 1, NULL, &none) < 0 &&
	       errno == EINTR)
		continue;
	return feed_stopped == 0;
}

bool
feed_open(struct feed *feed, const char *file)
{
	bool standard = strcmp(file, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);

	text_escape(
	    feed->name, sizeof(feed->name), standard ? "standard input" : file);
	lines_init(&feed->lines, fd, feed->name);
	feed->lines.arg = feed;
	if (fd < 0)
		feed_fail(feed);
	return fd >= 0;
}

/* Connect again if the record came in another dialect than the one before.
   Returns false when a connection failed. */
static bool
feed_redial(struct feed *feed, const struct record *record)
{
	struct sender *sender = feed->sender;
	enum encode_dialect dialect = record->elb ? ENCODE_ELB : ENCODE_NATIVE;

	if (feed->host == NULL || sender->dialect == dialect)
		return true;
	if (sender_finish(sender) == SENDER_FAILED)
		return false;
	uint64_t records = sender->records;
	bool open = sender_open(sender, feed->host, feed->port, dialect, NULL);
	sender->records = records;
	return open;
}

/* The client logs what it cannot take. */
static void
feed_count(struct reporter *client, const struct record *r)
{
	reporter_add(
	    client, r->modid, r->cmdid, r->ip, r->port, r->succ, r->err);
	reporter_overload(
	    client, r->modid, r->cmdid, r->ip, r->port, r->overload);
}

static void
feed_line(struct feed *feed, char *text, size_t length)
{
	struct record record;
	enum lines_kind kind = feed->parse(
	    &feed->lines, text, length, feed->ts_max, &record, feed->errors);

	if (kind == LINES_BAD)
		feed->faulty = true;
	else if (kind == LINES_RECORD && feed->client != NULL)
		feed_count(feed->client, &record);
	else if (kind == LINES_RECORD && feed->sender != NULL)
		feed->lost = !feed_redial(feed, &record) ||
			     !sender_add(feed->sender, &record);
}

/* Returns false at the end. */
static bool
feed_next(struct feed *feed)
{
	struct lines *lines = &feed->lines;
	size_t length;
	char *text;

	switch (lines_next(lines, &text, &length)) {
	case LINES_TEXT:
		/* Where the connection was lost, it may be half a line. */
		if (!feed->lost)
			feed_line(feed, text, length);
		return true;
	case LINES_TOO_LONG:
		lines_fault(lines, feed->errors, "line", "longer than %d bytes",
		    LINES_LENGTH_MAX - 2);
		feed->faulty = true;
		return true;
	case LINES_ERROR:
		feed_fail(feed);
		return false;
	case LINES_END:
		break;
	}
	return false;
}

void
feed_run(struct feed *feed)
{
	if (feed->sender != NULL)
		feed->lines.wait = feed_wait;
	else if (feed->client != NULL)
		feed->lines.wait = feed_wait_stop;
	while (!feed->lost && feed_next(feed))
		continue;
	if (feed->lines.fd != STDIN_FILENO)
		close(feed->lines.fd);
}
