/* SPDX-License-Identifier: MIT
 *
 * A feed: the records in the lines of a file, given to a sender or, without
 * their caller and ts, to a client.  For the tools; one thread.
 */
#pragma once

#include "client/reporter.h"
#include "send/lines.h"
#include "send/sender.h"

#define FEED_NAME_MAX 1024

struct feed {
	struct lines lines;
	char name[FEED_NAME_MAX]; /* of the file, for people */
	lines_parser *parse;
	uint64_t ts_max;
	FILE *errors;
	/* Where records go: one of the two, or NULL to check the lines only. */
	struct sender *sender;
	struct reporter *client;
	/* For records of ELB agents: a connection keeps its dialect, so another
	   one is opened where it changes.  NULL: all go the sender's way. */
	const char *host, *port;
	bool lost;   /* the connection failed: see sender->error */
	bool faulty; /* a line is, or a file cannot be read */
};

/* feed_stop - a signal handler by which a feed to a client ends where it waits,
   its input too: the signal is blocked elsewhere. */
void feed_stop(int signal);

/* feed_init - begin with the arguments for parse. */
void feed_init(
    struct feed *feed, lines_parser *parse, uint64_t ts_max, FILE *errors);

/* feed_open - open a file; "-" is standard input.  Returns false when that
   fails: reported, and feed->faulty is set. */
bool feed_open(struct feed *feed, const char *file);

/* feed_run - send the records of the file, until its end or feed->lost, and
   close it.  A faulty line is reported and skipped.  Before waiting for input
   all that was read is sent. */
void feed_run(struct feed *feed);
