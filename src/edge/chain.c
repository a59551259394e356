/* SPDX-License-Identifier: MIT
 *
 * Chains of connections.  Owns nothing: the links are part of the connections.
 * Called by the master's loop; nothing here fails.
 */
#include "config.h"

#include "edge/chain.h"

void
chain_join(struct chain *chain, struct chain_link *link, struct conn *conn,
    uint64_t now_ms)
{
	link->in = chain;
	link->conn = conn;
	link->since_ms = now_ms;
	link->behind = NULL;
	link->before = chain->last;
	if (chain->last != NULL)
		chain->last->behind = link;
	else
		chain->first = link;
	chain->last = link;
}

void
chain_leave(struct chain_link *link)
{
	if (link->in == NULL)
		return;
	if (link->before != NULL)
		link->before->behind = link->behind;
	else
		link->in->first = link->behind;
	if (link->behind != NULL)
		link->behind->before = link->before;
	else
		link->in->last = link->before;
	link->in = NULL;
}

bool
chain_over(const struct chain *chain, uint64_t timeout_ms, uint64_t now_ms)
{
	return chain->first != NULL &&
	       chain->first->since_ms + timeout_ms <= now_ms;
}
