/* SPDX-License-Identifier: MIT
 *
 * The survey: all keys that stand in the pending tables of an instance, read
 * straight from its shared memory.  Maps read-only; any process that may open
 * the segments, one thread.
 */
#ifndef REPORTER_SURVEY_H
#define REPORTER_SURVEY_H

#include "shm/segment.h"

#define SURVEY_SEGMENTS_MAX (2 * CHILDREN_MAX)

/* One key.  The tables are in use meanwhile: each key is one that stood there
   at some moment of the walk. */
struct survey_key {
	struct record record;
	bool dirty;          /* MySQL has not got it yet */
	uint64_t puts;       /* records put into its slot ever */
	uint64_t generation; /* of its segment */
	uint32_t worker;     /* slot of the worker */
	unsigned segment;    /* 0 to survey.count - 1 */
	uint32_t slot;       /* of the table */
};

/* Segments that are looked at, the newest generation first. */
struct survey {
	unsigned count;
	unsigned unread; /* segments that could not be mapped */
	struct worker_segment segments[SURVEY_SEGMENTS_MAX];
};

/*
 * survey_open - map all worker segments that INSTANCE has now.  Returns SHM_OK,
 * or why the master's segment cannot be read (SHM_SYSTEM: see errno); then
 * nothing is mapped.
 */
enum shm_status survey_open(struct survey *survey, const char *instance);

/*
 * survey_walk - visit each key once, until visit() returns false.  A key that
 * stands in two generations, which a reload may bring about for a while, is
 * visited in the newer one.
 */
void survey_walk(const struct survey *survey,
    bool (*visit)(void *arg, const struct survey_key *key), void *arg);

/* survey_close - unmap all. */
void survey_close(struct survey *survey);

#endif
