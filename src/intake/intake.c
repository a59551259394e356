/* SPDX-License-Identifier: MIT
 *
 * Intake: bytes of one connection to records in rings.  Owns the report being
 * decoded; the rings are lent to it.  Called by the master's loop; what is
 * wrong with the bytes is returned and counted.
 */
#include "intake/intake.h"
#include "shm/faultpoint.h"
#include "intake/frame.h"
#include "intake/native.h"
#include "lib/prefix.h"

#include <endian.h>

/* The first four bytes tell: a frame opens with its id, little-endian. */
static enum dialect
dialect_of(const uint8_t *bytes, size_t length)
{
	if (bytes[0] != FRAME_ID_LARS && bytes[0] != FRAME_ID_ELB)
		return DIALECT_NATIVE;
	for (size_t i = 1; i < 4; i++) {
		if (i == length)
			return DIALECT_UNKNOWN;
		if (bytes[i] != 0)
			return DIALECT_NATIVE;
	}
	return bytes[0] == FRAME_ID_LARS ? DIALECT_LARS : DIALECT_ELB;
}

static enum decode
intake_decode(struct intake *intake, enum dialect dialect, const uint8_t *bytes,
    size_t length)
{
	switch (dialect) {
	case DIALECT_NATIVE:
		return native_decode(bytes, length, &intake->report);
	case DIALECT_LARS:
		return frame_decode(
		    bytes, length, FRAME_ID_LARS, &intake->report);
	case DIALECT_ELB:
		return frame_decode(
		    bytes, length, FRAME_ID_ELB, &intake->report);
	case DIALECT_UNKNOWN:
		break;
	}
	return DECODE_SHORT;
}

static void
intake_reject(struct intake *intake, struct intake_result *result,
    enum reject reason, uint64_t n)
{
	if (n == 0)
		return;
	if (result->rejected == 0)
		result->reason = reason;
	result->rejected += n;
	intake->rejected[reason] += n;
	intake->received += n;
}

void
intake_rings(struct intake *intake, struct ring *const *rings, uint32_t workers)
{
	memcpy(intake->rings, rings, workers * sizeof(*rings));
	routes_set(&intake->routes, workers);
}

void
intake_peer(struct intake *intake, const struct sockaddr *peer)
{
	int family;
	const uint8_t *bytes = prefix_peer_bytes(peer, &family);

	intake->peer_is_ipv4 = bytes != NULL && family == AF_INET;
	if (!intake->peer_is_ipv4)
		return;
	memcpy(&intake->peer, bytes, sizeof(intake->peer));
	intake->peer = be32toh(intake->peer);
}

/* Whether the decoded report speaks for another host than the peer, and
   somebody wants to know. */
static bool
intake_is_foreign(const struct intake *intake)
{
	return intake->check_caller != CHECK_CALLER_OFF &&
	       (!intake->peer_is_ipv4 || intake->report.caller != intake->peer);
}

static void
intake_note_foreign(struct intake *intake, struct intake_result *result)
{
	if (result->foreign == 0)
		result->caller = intake->report.caller;
	result->foreign++;
	intake->foreign++;
}

/* Put the decoded report into its ring.  Returns false when it must wait. */
static bool
intake_route(struct intake *intake, struct intake_result *result)
{
	struct report *report = &intake->report;
	uint32_t slot =
	    routes_find(&intake->routes, report->modid, report->cmdid);
	uint64_t room = ring_room(intake->rings[slot], report->count);
	uint32_t n = report->count;
	bool foreign = intake_is_foreign(intake);

	if (foreign && intake->check_caller == CHECK_CALLER_REJECT) {
		intake_reject(intake, result, REJECT_WRONG_CALLER, 1);
		return true;
	}
	if (room < n && !intake->drop) {
		result->slot = slot;
		result->need = n;
		return false;
	}
	if (room < n) {
		intake->dropped += n - room;
		n = (uint32_t)room;
	}
	ring_put(intake->rings[slot], report->records, n);
	FAULT_POINT("intake_put");
	intake->touched |= UINT64_C(1) << slot;
	intake->received += report->count;
	intake->reports++;
	intake->skewed += report->skewed;
	if (foreign)
		intake_note_foreign(intake, result);
	for (int i = 0; i < REJECT_REASONS; i++)
		intake_reject(
		    intake, result, (enum reject)i, report->rejected[i]);
	return true;
}

struct intake_result
intake_bytes(struct intake *intake, enum dialect *dialect, const uint8_t *bytes,
    size_t length)
{
	struct intake_result result = { .verdict = VERDICT_MORE };

	if (*dialect == DIALECT_UNKNOWN && length > 0)
		*dialect = dialect_of(bytes, length);
	while (result.used < length) {
		const uint8_t *message = bytes + result.used;

		switch (intake_decode(
		    intake, *dialect, message, length - result.used)) {
		case DECODE_SHORT:
			return result;
		case DECODE_REPORT:
			if (!intake_route(intake, &result)) {
				result.verdict = VERDICT_BLOCKED;
				return result;
			}
			break;
		case DECODE_REJECT:
			intake_reject(
			    intake, &result, intake->report.reason, 1);
			break;
		case DECODE_CLOSE:
			intake_reject(
			    intake, &result, intake->report.reason, 1);
			result.verdict = VERDICT_CLOSE;
			result.reason = intake->report.reason;
			result.fault = result.used + intake->report.used;
			return result;
		}
		result.used += intake->report.used;
	}
	return result;
}

static void
count_move(counter *to, uint64_t *from)
{
	if (*from != 0)
		counter_add(to, *from);
	*from = 0;
}

void
intake_publish(struct intake *intake)
{
	/* Publish first: what is counted as received then is in a ring, even
	   if we are killed between the two. */
	while (intake->touched != 0) {
		int slot = __builtin_ctzll(intake->touched);

		ring_publish(intake->rings[slot]);
		FAULT_POINT("intake_one_published");
		intake->touched &= intake->touched - 1;
	}
	FAULT_POINT("intake_uncounted");
	count_move(&intake->count->received, &intake->received);
	FAULT_POINT("intake_received");
	count_move(&intake->count->reports, &intake->reports);
	count_move(&intake->count->dropped, &intake->dropped);
	count_move(&intake->count->skewed, &intake->skewed);
	count_move(&intake->count->foreign, &intake->foreign);
	for (int i = 0; i < REJECT_REASONS; i++)
		count_move(&intake->count->rejected[i], &intake->rejected[i]);
}

void
intake_alert(struct intake *intake)
{
	for (uint32_t i = 0; i < intake->routes.workers; i++)
		ring_alert(intake->rings[i]);
}
