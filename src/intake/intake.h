/* SPDX-License-Identifier: MIT
 *
 * Intake: bytes of one connection to records in rings.  It tells the dialect,
 * decodes, routes and puts; it knows nothing of sockets.  Belongs to the
 * master's loop.
 */
#ifndef REPORTER_INTAKE_H
#define REPORTER_INTAKE_H

#include "intake/report.h"
#include "shm/ring.h"
#include "intake/route.h"
#include "shm/segment.h"
#include "conf/settings.h"

#include <sys/socket.h>

enum dialect {
	DIALECT_UNKNOWN, /* fewer bytes came than tell it */
	DIALECT_NATIVE,
	DIALECT_LARS,
	DIALECT_ELB
};

struct intake {
	struct input_counters *count;
	struct ring *rings[WORKERS_MAX];
	struct routes routes;
	bool drop; /* overflow = drop: never block */
	enum check_caller check_caller;
	bool peer_is_ipv4; /* of the bytes; if not, no caller can be right */
	uint32_t peer;     /* if it is: the address */
	uint64_t touched;  /* rings with records not yet published, by bit */
	/* Counted, but not yet added to `count`: see intake_publish(). */
	uint64_t received, reports, dropped, skewed, foreign;
	uint64_t rejected[REJECT_REASONS];
	struct report report; /* the one being decoded, and its limits */
};

enum verdict {
	VERDICT_MORE,    /* all is taken but the beginning of a message */
	VERDICT_BLOCKED, /* the next report finds no room in its ring */
	VERDICT_CLOSE    /* the stream cannot be followed any further */
};

struct intake_result {
	enum verdict verdict;
	size_t used;        /* bytes taken, from the first on */
	uint32_t slot;      /* VERDICT_BLOCKED: of the ring that is full */
	uint32_t need;      /* and how many records the report has */
	enum reject reason; /* VERDICT_CLOSE; else of the first rejection */
	size_t fault;       /* VERDICT_CLOSE: where in the bytes it lies */
	uint64_t rejected;  /* records and reports rejected in these bytes */
	uint64_t foreign;   /* reports taken whose caller is not the peer */
	uint32_t caller;    /* if there were any: the first one's */
};

/* intake_rings - put into these rings from now on, one for each worker, 1 or
   more.  All that was put into others is published, and their workers were told
   to finish. */
void intake_rings(
    struct intake *intake, struct ring *const *rings, uint32_t workers);

/* intake_peer - whose bytes come next: what check_caller compares with. */
void intake_peer(struct intake *intake, const struct sockaddr *peer);

/*
 * intake_bytes - take as many whole messages as there are.  *dialect belongs
 * to the connection, DIALECT_UNKNOWN at first.  Nothing is published yet.
 */
struct intake_result intake_bytes(struct intake *intake, enum dialect *dialect,
    const uint8_t *bytes, size_t length);

/* intake_publish - let the workers see what was put, and count it. */
void intake_publish(struct intake *intake);

/* intake_alert - wake the workers that have something to do.  To be called
   before waiting for anything. */
void intake_alert(struct intake *intake);

#endif
