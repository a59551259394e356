/* SPDX-License-Identifier: MIT
 *
 * The filter of services, up to a byte 0.  Shows that it is read or refused
 * with a term that is in it, and that a filter with one more term takes no
 * more services.
 */
#include "config.h"

#include "fuzz.h"
#include "status/filter.h"
#include "instance_fixture.h"

#include <string.h>

static struct look *look;

/* A look at a few services of all kinds; the instance goes again. */
static void
look_make(void)
{
	char instance[INSTANCE_MAX];
	const struct look_limits limits = { 45, 300 };
	struct segment master;
	struct worker_segment segment;

	snprintf(instance, sizeof(instance), "fuzz-filter-%d", (int)getpid());
	const struct segment_spec spec = instance_spec(instance);
	FUZZ_CHECK(segment_create_master(&master, instance) == SHM_OK);
	FUZZ_CHECK(segment_create_worker(&segment, &spec) == SHM_OK);
	for (int i = 0; i < 9; i++) {
		struct record r = { .modid = i % 3,
			.cmdid = i,
			.ip = 0x0a000001,
			.caller = 0x0a010001u << i % 2,
			.succ = 90,
			.err = (uint32_t)i,
			.overload = i == 4 };

		record_set_ts(&r, 1700000000u - 100 * (unsigned)(i % 5));
		table_put(&segment.table, &r, 1, 2000000000);
	}
	FUZZ_CHECK(look_new(&look, instance, NULL, &limits,
		       UINT64_C(1700000001000)) == SHM_OK);
	instance_remove(instance);
	segment_close(&segment.map);
	segment_close(&master);
}

/* How many services it takes. */
static unsigned
taken(const struct filter *filter)
{
	unsigned count = 0;

	for (uint64_t i = 0; i < look->totals.services; i++)
		count += filter_match(filter, look, NULL, &look->services[i]);
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct filter filter;
	char error[FILTER_ERROR] = "", *text = malloc(size + 1);

	if (look == NULL)
		look_make();
	FUZZ_CHECK(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (filter_parse(&filter, text, error, sizeof(error))) {
		FUZZ_CHECK(filter.count <= FILTER_TERMS_MAX);
		FUZZ_CHECK(strlen(text) <= FILTER_TEXT_MAX);
		unsigned all = filter.count, before = taken(&filter);
		for (filter.count = 0; filter.count < all; filter.count++)
			FUZZ_CHECK(taken(&filter) >= before);
	} else {
		FUZZ_CHECK(strncmp(error, "found \"", 7) == 0);
		FUZZ_CHECK(strstr(error, "\", expected ") != NULL);
		FUZZ_CHECK(strlen(error) < sizeof(error) - 1);
		FUZZ_CHECK(taken(&filter) == look->totals.services);
	}
	free(text);
	return 0;
}
