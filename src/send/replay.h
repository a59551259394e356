/* SPDX-License-Identifier: MIT
 *
 * Replay: records of a dead-letter file, sent to a reporter again.  For
 * reporterctl; one thread.
 */
#ifndef REPORTER_REPLAY_H
#define REPORTER_REPLAY_H

#include "send/lines.h"

/*
 * replay_parse - the record of the dead-letter line found last.  Every fault
 * is written to errors, each as "file:line: field: reason".
 */
enum lines_kind replay_parse(const struct lines *lines, const char *text,
    size_t length, struct record *record, FILE *errors);

/* What became of a replay. */
enum replay_end {
	REPLAY_SENT,   /* every record */
	REPLAY_FAULTY, /* not those of faulty lines, or the file failed */
	REPLAY_LOST    /* the connection failed */
};

/*
 * replay_file - send all records of a dead-letter file ("-" is standard input)
 * to host and port.  A faulty line is reported and passed over.  *records: how
 * many were sent.  Messages go to errors.
 */
enum replay_end replay_file(const char *file, const char *host,
    const char *port, uint64_t *records, FILE *errors);

#endif
