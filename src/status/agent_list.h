/* SPDX-License-Identifier: MIT
 *
 * The connected agents of an instance, read from its shared memory.  One
 * process, one thread; takes no lock.
 */
#ifndef REPORTER_AGENT_LIST_H
#define REPORTER_AGENT_LIST_H

#include "shm/agents.h"

#include <stdio.h>

/* Names of agent_columns, for messages. */
#define AGENT_COLUMNS \
	"address, dialect, since, reports, records, rejected, clock_offset, " \
	"throttled, held or caller"

struct agent_list {
	struct agent *agents;
	size_t count;
	uint64_t unlisted; /* connections without a row, not in the list */
	uint64_t now;      /* when it was read, seconds since 1970 */
};

/* agent_column - the number of the column with this name, or -1. */
int agent_column(const char *name);

/*
 * agent_list_read - read the agents that are connected, sorted by a column:
 * figures with the greatest first, then and else by address.
 * Returns SHM_OK, then agent_list_free() is to be called; SHM_MISSING if the
 * instance does not run; or why a segment cannot be read (SHM_SYSTEM: see
 * errno).
 */
enum shm_status agent_list_read(
    struct agent_list *list, const char *instance, int column);
void agent_list_free(struct agent_list *list);

/* agent_list_text, agent_list_json - write up to max agents, as a table or as
   one JSON object.  A failure is left in the stream. */
void agent_list_text(const struct agent_list *list, size_t max, FILE *out);
void agent_list_json(const struct agent_list *list, size_t max, FILE *out);

#endif
