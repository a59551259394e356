/* SPDX-License-Identifier: MIT
 *
 * Chains of connections: ordered lists that a connection joins at the end and
 * leaves from anywhere, both in one step.  One connection may be in several,
 * by a link of its own for each.  Belongs to the master's loop; cannot fail.
 */
#ifndef REPORTER_CHAIN_H
#define REPORTER_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct chain_link;

/* All zero: empty. */
struct chain {
	struct chain_link *first, *last;
};

/* All zero: in no chain. */
struct chain_link {
	struct chain *in; /* NULL: in none */
	struct chain_link *before, *behind;
	struct conn *conn;
	uint64_t since_ms; /* when it joined; no later than those behind it */
};

/* chain_join - put conn at the end, by a link that is in no chain. */
void chain_join(struct chain *chain, struct chain_link *link, struct conn *conn,
    uint64_t now_ms);

/* chain_leave - take it out of its chain, if it is in one. */
void chain_leave(struct chain_link *link);

/* chain_over - whether the first of the chain joined at least timeout_ms ago;
   false for an empty one. */
bool chain_over(
    const struct chain *chain, uint64_t timeout_ms, uint64_t now_ms);

#endif
