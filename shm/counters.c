/* SPDX-License-Identifier: MIT
 *
 * The names of the reasons that are counted, as status, metrics and manual have
 * them, and their texts for the log; and the last error of the database.
 */
#include "shm/counters.h"

#include <string.h>
#include <time.h>

#define REASON_NAME(id, name, text) [id] = name,
#define REASON_TEXT(id, name, text) [id] = text,

#define DEFINE_LOOKUP(reason, EACH) \
	const char *reason##_name(enum reason i) \
	{ \
		static const char *const names[] = { EACH(REASON_NAME) }; \
\
		return NAME_OF(names, i); \
	} \
	const char *reason##_text(enum reason i) \
	{ \
		static const char *const texts[] = { EACH(REASON_TEXT) }; \
\
		return NAME_OF(texts, i); \
	}

DEFINE_LOOKUP(reject, REJECTS)
DEFINE_LOOKUP(refusal, REFUSALS_EACH)
DEFINE_LOOKUP(closing, CLOSINGS_EACH)

void
last_error_set(struct flush_counters *flush, unsigned number, const char *text)
{
	alignas(shared_word) char copy[sizeof(flush->last_error)] = "";
	struct timespec now;

	memcpy(copy, text, strnlen(text, sizeof(copy) - 1));
	version_begin(&flush->last_error_version);
	words_copy(flush->last_error, copy, sizeof(copy));
	counter_set(&flush->last_error_number, number);
	version_end(&flush->last_error_version);
	clock_gettime(CLOCK_MONOTONIC, &now);
	counter_set(&flush->last_error_ts,
	    (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

unsigned
last_error_get(const struct flush_counters *flush, char *text, size_t size)
{
	alignas(shared_word) char copy[sizeof(flush->last_error) + 1] = "";
	uint64_t number = 0;

	/* The writer needs microseconds; a killed one may leave it odd, then
	   the text is as good as it gets. */
	for (int try = 0; try < 1000; try++) {
		uint64_t version = counter_acquire(&flush->last_error_version);

		number = counter_get(&flush->last_error_number);
		words_copy(copy, flush->last_error, sizeof(flush->last_error));
		if (version_kept(&flush->last_error_version, version))
			break;
	}
	size_t length = strnlen(copy, size - 1);
	memcpy(text, copy, length);
	text[length] = '\0';
	return (unsigned)number;
}
