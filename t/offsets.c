/* SPDX-License-Identifier: MIT
 *
 * Prints, as one JSON object, where the formats that tests write by hand have
 * their fields: "STRUCT.FIELD" is an offset in bytes, "STRUCT" a size, all
 * else a number.  scenario.offsets() reads it, so that no test has a number of
 * a layout typed into it.
 */
#include "shm/segment.h"

#include "faultpoint.h"

#include <inttypes.h>
#include <stdio.h>

#define AT(type, field) \
	{ \
#type "." #field, offsetof(struct type, field) \
	}
#define SIZE(type) \
	{ \
#type, sizeof(struct type) \
	}
#define NUMBER(name) \
	{ \
#name, name \
	}

static const struct {
	const char *name;
	uint64_t value;
} entries[] = {
	AT(worker_shared, header.magic),
	AT(worker_shared, header.version),
	AT(worker_shared, header.kind),
	AT(worker_shared, header.size),
	AT(worker_shared, header.ring_records),
	AT(worker_shared, header.table_keys),
	AT(worker_shared, producer.head),
	AT(worker_shared, consumer.tail),
	AT(worker_shared, drain.added),
	AT(worker_shared, flush.stored),
	AT(worker_shared, flush.last_error_ts),
	AT(worker_shared, flush.last_error),
	AT(worker_shared, info.suspect),
	AT(worker_shared, info.suspect_slot),
	AT(master_shared, header.version),
	AT(master_shared, input.received),
	AT(master_shared, input.rejected),
	AT(master_shared, input.reloads),
	AT(master_shared, input.reloads_begun),
	AT(master_shared, pid),
	AT(master_shared, software),
	SIZE(slot),
	NUMBER(SEGMENT_MAGIC),
	NUMBER(SEGMENT_VERSION),
	SIZE(fault_words),
	AT(fault_words, countdown),
	AT(fault_words, signal),
	AT(fault_words, poison),
	AT(fault_words, process),
	AT(fault_words, calls),
	AT(fault_words, fail_at),
	AT(fault_words, failed),
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		printf("%s\n\t\"%s\": %" PRIu64, i == 0 ? "{" : ",",
		    entries[i].name, entries[i].value);
	}
	return printf("\n}\n") > 0 && fflush(stdout) == 0 ? 0 : 1;
}
