/* SPDX-License-Identifier: MIT
 *
 * The order of a round.  Owns nothing; nothing here fails.
 */
#include "worker/order.h"

#define DIGITS 256
#define SIGN UINT32_C(0x80000000) /* turned over, it makes signed unsigned */

static struct order_key
key_of(const struct record *record, uint32_t row)
{
	return (struct order_key){
		.service = (uint64_t)((uint32_t)record->modid ^ SIGN) << 32 |
			   ((uint32_t)record->cmdid ^ SIGN),
		.server = (uint64_t)record->ip << 16 | record->port,
		.caller = record->caller,
		.row = row,
	};
}

/* The key's bytes from the last to the first: 4 of caller, 6 of server, 8 of
   service. */
static inline unsigned
digit(const struct order_key *key, int place)
{
	if (place < 4)
		return key->caller >> 8 * place & 0xff;
	if (place < 10)
		return key->server >> 8 * (place - 4) & 0xff;
	return key->service >> 8 * (place - 10) & 0xff;
}

#define PLACES 18

/* Sort by one digit, keeping the order of equal ones.  Returns false when all
   are equal: then nothing was moved. */
static bool
sort_place(
    const struct order_key *from, struct order_key *to, size_t n, int place)
{
	size_t start[DIGITS] = { 0 }, sum = 0;

	for (size_t i = 0; i < n; i++)
		start[digit(&from[i], place)]++;
	if (start[digit(&from[0], place)] == n)
		return false;
	for (int i = 0; i < DIGITS; i++) {
		size_t count = start[i];

		start[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[start[digit(&from[i], place)]++] = from[i];
	return true;
}

void
order_rows(const struct table_row *rows, size_t n, struct order_key *keys,
    struct order_key *spare)
{
	struct order_key *from = keys, *to = spare;

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		keys[i] = key_of(&rows[i].record, (uint32_t)i);
	for (int place = 0; place < PLACES; place++) {
		if (sort_place(from, to, n, place)) {
			struct order_key *sorted = to;

			to = from;
			from = sorted;
		}
	}
	if (from != keys)
		memcpy(keys, from, n * sizeof(*keys));
}
