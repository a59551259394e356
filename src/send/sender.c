/* SPDX-License-Identifier: MIT
 *
 * The sender.  Nothing is sent twice, since it cannot know which reports the
 * server has taken.
 */
#include "config.h"

#include "send/sender.h"

#include "lib/text.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

static bool __attribute__((format(printf, 2, 3)))
sender_fail(struct sender *sender, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sender->error, sizeof(sender->error), format, arguments);
	va_end(arguments);
	return false;
}

/* Wait until the channel has something to do, or for this time. */
static void
sender_wait(const struct sender *sender, uint64_t now, uint64_t limit)
{
	const struct channel *channel = &sender->channel;
	struct pollfd fd = { .fd = channel->fd, .events = channel->events };
	uint64_t wait = channel_wait(channel, now);

	wait = wait < limit ? wait : limit;
	poll(&fd, 1, wait < INT_MAX ? (int)wait : -1);
}

/* One turn of a channel that is up. */
static bool
sender_turn(struct sender *sender, bool writing)
{
	if (sender->channel.state == CHANNEL_UP)
		channel_turn(&sender->channel, writing);
	return sender->channel.state == CHANNEL_UP ||
	       sender_fail(sender, "%s", sender->channel.error);
}

void
sender_close(struct sender *sender)
{
	if (sender->channel.names != NULL)
		channel_free(&sender->channel);
	sender->channel.names = NULL;
}

bool
sender_open(struct sender *sender, const char *host, const char *port,
    enum encode_dialect dialect, struct reporter_transport *transport)
{
	struct channel *channel = &sender->channel;
	uint64_t now = channel_clock();
	int64_t number;

	memset(sender, 0, sizeof(*sender));
	channel->fd = -1;
	sender->dialect = dialect;
	if (text_number(port, UINT16_MAX + 1, INT64_MAX, &number))
		return sender_fail(
		    sender, "%s port %s: the port is over 65535", host, port);
	if (channel_init(channel, host, port, transport) < 0)
		return sender_fail(sender, "%s port %s: %s", host, port,
		    errno == EINVAL ? "invalid" : strerror(errno));
	/* Each address once: then the channel would pause. */
	while (channel->state != CHANNEL_UP && channel->retry_at <= now) {
		channel_turn(channel, false);
		now = channel_clock();
		if (channel->state == CHANNEL_CONNECTING)
			sender_wait(sender, now, UINT64_MAX);
	}
	if (sender_turn(sender, false))
		return true;
	sender_close(sender);
	return false;
}

int
sender_take(struct sender *sender)
{
	int fd = sender->channel.fd;

	sender->channel.fd = -1;
	channel_free(&sender->channel);
	return fd;
}

static bool
sender_write(struct sender *sender)
{
	size_t sent = 0, n;

	while (sent < sender->length) {
		n = channel_write(&sender->channel, sender->buffer + sent,
		    sender->length - sent);
		sent += n;
		if (n > 0)
			continue;
		if (!sender_turn(sender, true))
			return false;
		sender_wait(sender, channel_clock(), UINT64_MAX);
	}
	sender->length = 0;
	return true;
}

/* Encode the report begun into the buffer. */
static bool
sender_encode(struct sender *sender)
{
	if (sender->grouped == 0)
		return true;
	if (sender->length + ENCODE_REPORT_MAX > SENDER_BUFFER &&
	    !sender_write(sender))
		return false;
	sender->length += encode_report(sender->dialect, sender->report,
	    sender->grouped, sender->buffer + sender->length);
	sender->reports++;
	sender->records += sender->grouped;
	sender->grouped = 0;
	return true;
}

bool
sender_add(struct sender *sender, const struct record *record)
{
	bool full = sender->grouped == ENCODE_RECORDS_MAX ||
		    (sender->grouped > 0 &&
			!encode_same_report(sender->report, record));

	if (full && !sender_encode(sender))
		return false;
	sender->report[sender->grouped++] = *record;
	return true;
}

bool
sender_flush(struct sender *sender)
{
	return sender_encode(sender) && sender_write(sender);
}

bool
sender_alive(struct sender *sender)
{
	return sender_turn(sender, false);
}

static enum sender_end
sender_end(struct sender *sender)
{
	struct channel *channel = &sender->channel;
	uint64_t now = channel_clock(), deadline = now + SENDER_FINISH_MS;

	channel_end(channel);
	while (now < deadline && sender_turn(sender, false)) {
		sender_wait(sender, now, deadline - now);
		now = channel_clock();
	}
	if (channel->state != CHANNEL_UP)
		return channel_confirmed(channel) ? SENDER_DONE : SENDER_FAILED;
	if (channel_unsent(channel) > 0) {
		sender_fail(sender, "timed out sending to the server");
		return SENDER_FAILED;
	}
	sender_fail(sender,
	    "all is sent, but the server has not confirmed it in time: it is "
	    "slow, or not a reporter");
	return SENDER_UNCLEAR;
}

enum sender_end
sender_finish(struct sender *sender)
{
	enum sender_end end = SENDER_FAILED;

	if (sender_flush(sender) && sender_alive(sender))
		end = sender_end(sender);
	sender_close(sender);
	return end;
}
