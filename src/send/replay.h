/* SPDX-License-Identifier: MIT
 *
 * Replay: sends the records of a dead-letter file to a reporter again.  For
 * reporterctl; one thread.
 */
#pragma once

#include "send/lines.h"

/* replay_parse - parse a line of a dead-letter file; ts_max is ignored. */
lines_parser replay_parse;

enum replay_end {
	REPLAY_SENT,   /* every record */
	REPLAY_FAULTY, /* all but faulty lines, or the file cannot be read */
	REPLAY_LOST    /* the connection failed */
};

/* replay_file - send all records of a dead-letter file ("-" is standard input)
   to host and port.  A faulty line is reported and skipped.  *records: how many
   were sent.  Messages are written to errors. */
enum replay_end replay_file(const char *file, const char *host,
    const char *port, uint64_t *records, FILE *errors);
