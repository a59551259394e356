/* SPDX-License-Identifier: MIT
 *
 * The names of what is counted.  Any process, any thread.
 */
#include "counters.h"

const char *
reject_name(enum reject reason)
{
	static const char *const names[REJECT_REASONS] = {
		[REJECT_NOT_MSGPACK] = "not_msgpack",
		[REJECT_TOO_LONG] = "too_long",
		[REJECT_NEGATIVE_LENGTH] = "negative_length",
		[REJECT_NOT_PROTOBUF] = "not_protobuf",
		[REJECT_OTHER_MESSAGE] = "other_message",
		[REJECT_WRONG_SHAPE] = "wrong_shape",
		[REJECT_OUT_OF_RANGE] = "out_of_range",
	};

	return (unsigned)reason < REJECT_REASONS ? names[reason] : "unknown";
}

const char *db_class_name(enum db_class class)
{
	static const char *const names[DB_CLASSES] = {
		[DB_OK] = "ok",
		[DB_RETRY] = "retry",
		[DB_RECONNECT] = "reconnect",
		[DB_NEXT_HOST] = "next_host",
		[DB_WAIT_ROOM] = "wait_room",
		[DB_SPLIT] = "split",
		[DB_REFUSED] = "refused",
		[DB_HOLD] = "hold",
	};

	return (unsigned)class < DB_CLASSES ? names[class] : "unknown";
}
