/* SPDX-License-Identifier: MIT
 *
 * The inflow of one connection.  Owns the bytes held.  Called by the master's
 * loop; want of memory is returned, faults of the stream are the intake's to
 * tell.
 */
#include "config.h"

#include "edge/inflow.h"

#include <string.h>

/* Hand bytes of the stream to the intake. */
static struct intake_result
inflow_decode(struct inflow *inflow, struct intake *intake,
    const uint8_t *bytes, size_t length)
{
	struct intake_result result =
	    intake_bytes(intake, &inflow->dialect, bytes, length);

	result.fault += inflow->offset;
	inflow->offset += result.used;
	/* Bytes held from before were looked through up to scan.offset. */
	if (result.used > 0)
		inflow->scan = (struct native_scan){ 0, 0 };
	return result;
}

struct intake_result
inflow_take_held(struct inflow *inflow, struct intake *intake)
{
	struct intake_result result = inflow_decode(
	    inflow, intake, held_bytes(&inflow->held), inflow->held.length);

	held_take(&inflow->held, result.used);
	return result;
}

/* Whether held bytes are worth decoding: the end of the message is there, or
   it is certain to come too late. */
static bool
inflow_whole(struct inflow *inflow, size_t max_message)
{
	const struct held *held = &inflow->held;
	struct native_scan *scan = &inflow->scan;

	if (inflow->dialect != DIALECT_NATIVE || held->length >= max_message)
		return true;
	return native_scan(held_bytes(held), held->length, scan) !=
		   DECODE_SHORT ||
	       scan->offset + scan->wanted > max_message;
}

/* New bytes, no fewer than those held: these are put before them. */
static bool
inflow_take_joined(struct inflow *inflow, struct intake *intake, uint8_t *fresh,
    size_t n, struct intake_result *result)
{
	size_t held = inflow->held.length;
	uint8_t *bytes = fresh - held;

	if (held > 0)
		memcpy(bytes, held_bytes(&inflow->held), held);
	*result = inflow_decode(inflow, intake, bytes, held + n);
	/* The held ones are the beginning of one message: it is taken whole or
	   not at all. */
	if (result->used == 0)
		return held_append(&inflow->held, fresh, n);
	return held_set(
	    &inflow->held, bytes + result->used, held + n - result->used);
}

/* New bytes, fewer than those held: they are put behind them. */
static bool
inflow_take_appended(struct inflow *inflow, struct intake *intake,
    const uint8_t *fresh, size_t n, struct intake_result *result)
{
	if (!held_append(&inflow->held, fresh, n))
		return false;
	if (inflow_whole(inflow, intake->report.max_message))
		*result = inflow_take_held(inflow, intake);
	else
		*result = (struct intake_result){ .verdict = VERDICT_MORE };
	return true;
}

bool
inflow_take(struct inflow *inflow, struct intake *intake, uint8_t *bytes,
    size_t n, struct intake_result *result)
{
	return n >= inflow->held.length
		   ? inflow_take_joined(inflow, intake, bytes, n, result)
		   : inflow_take_appended(inflow, intake, bytes, n, result);
}
