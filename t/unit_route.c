/* SPDX-License-Identifier: MIT
 *
 * Shows that routing is the published algorithms, that it spreads services
 * evenly, and that a change of the number of workers moves as few as possible.
 */
#include "config.h"

#include "intake/route.h"
#include "suite.h"

#include <check.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

static void
store_le64(uint8_t *p, uint64_t word)
{
	word = htole64(word);
	memcpy(p, &word, sizeof(word));
}

static void
murmur_bytes(const void *key, size_t length, uint32_t seed, uint8_t out[16])
{
	uint64_t words[2];

	murmur3_x64_128(key, length, seed, words);
	store_le64(out, words[0]);
	store_le64(out + 8, words[1]);
}

/* SMHasher's procedure: hash the keys {}, {0}, {0,1}, ... with the seeds 256,
   255, ..., then hash the hashes. */
START_TEST(murmur_has_the_verification_value)
{
	uint8_t key[256], hashes[256 * 16], final[16];

	for (unsigned i = 0; i < 256; i++) {
		key[i] = (uint8_t)i;
		murmur_bytes(key, i, 256 - i, hashes + i * 16);
	}
	murmur_bytes(hashes, sizeof(hashes), 0, final);
	ck_assert_uint_eq(final[0], 0x69);
	ck_assert_uint_eq(final[1], 0xba);
	ck_assert_uint_eq(final[2], 0x84);
	ck_assert_uint_eq(final[3], 0x63);
}
END_TEST

START_TEST(murmur_reads_any_alignment)
{
	uint8_t buffer[64 + 8];
	uint64_t want[2], got[2];

	for (unsigned i = 0; i < sizeof(buffer); i++)
		buffer[i] = (uint8_t)(i * 7 + 1);
	murmur3_x64_128(buffer, 63, 5, want);
	for (unsigned shift = 1; shift < 8; shift++) {
		memmove(buffer + shift, buffer + shift - 1, 64);
		murmur3_x64_128(buffer + shift, 63, 5, got);
		ck_assert_mem_eq(want, got, sizeof(want));
	}
}
END_TEST

/* Values of the paper's algorithm that its known implementations share. */
START_TEST(jump_hash_has_the_published_values)
{
	static const struct {
		uint64_t key;
		int32_t buckets, bucket;
	} vectors[] = {
		{ 1, 1, 0 },
		{ 42, 57, 43 },
		{ 0xdead10cc, 1, 0 },
		{ 0xdead10cc, 666, 361 },
		{ 256, 1024, 520 },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		ck_assert_int_eq(jump_hash(vectors[i].key, vectors[i].buckets),
		    vectors[i].bucket);
}
END_TEST

START_TEST(jump_hash_moves_keys_to_the_new_bucket_only)
{
	for (uint64_t i = 0; i < 2000; i++) {
		uint64_t key = i * UINT64_C(0x9e3779b97f4a7c15);
		int32_t before = jump_hash(key, 1);

		ck_assert_int_eq(before, 0);
		for (int32_t buckets = 2; buckets <= 70; buckets++) {
			int32_t after = jump_hash(key, buckets);

			ck_assert(after == before || after == buckets - 1);
			before = after;
		}
	}
}
END_TEST

/* Computed apart from this program; so many buckets show the last bit of the
   arithmetic. */
START_TEST(jump_hash_takes_the_greatest_number_of_buckets)
{
	static const struct {
		uint64_t key;
		int32_t bucket;
	} vectors[] = {
		{ 0, 0 },
		{ 1, 262355607 },
		{ 42, 1603940301 },
		{ 0xdead10cc, 1321988195 },
		{ UINT64_MAX, 699554662 },
		{ UINT64_C(1) << 63, 1119800965 },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		ck_assert_int_eq(
		    jump_hash(vectors[i].key, INT32_MAX), vectors[i].bucket);
}
END_TEST

/* Computed apart from this program, from the definition in route.h.  If this
   changes, a running installation's services move at an upgrade. */
START_TEST(route_keeps_its_values)
{
	static const struct {
		int32_t modid, cmdid;
		uint32_t workers, slot;
	} vectors[] = {
		{ 1, 1, 1, 0 },
		{ 1, 1, 2, 0 },
		{ 1, 1, 4, 0 },
		{ 2, 1, 4, 1 },
		{ 1, 2, 4, 3 },
		{ 0, 0, 16, 15 },
		{ -1, -1, 16, 8 },
		{ INT32_MAX, INT32_MIN, 16, 1 },
		{ 123456, 789, 64, 43 },
		{ 789, 123456, 64, 58 },
		{ 10001, 1001, 7, 3 },
		{ 10001, 1002, 7, 3 },
		{ -5, 300, 1000, 910 },
		{ 65536, 1, 1000, 766 },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		ck_assert_uint_eq(route(vectors[i].modid, vectors[i].cmdid,
				      vectors[i].workers),
		    vectors[i].slot);
}
END_TEST

START_TEST(route_spreads_services_evenly)
{
	enum {
		WORKERS = 7,
		MODULES = 700,
		COMMANDS = 10
	};
	unsigned services[WORKERS] = { 0 };

	for (int32_t modid = 1; modid <= MODULES; modid++)
		for (int32_t cmdid = 1; cmdid <= COMMANDS; cmdid++) {
			uint32_t slot = route(modid, cmdid, WORKERS);

			ck_assert_uint_lt(slot, WORKERS);
			services[slot]++;
		}
	/* 1000 each on the average; 150 is five standard deviations. */
	for (unsigned i = 0; i < WORKERS; i++) {
		ck_assert_uint_gt(services[i], 850);
		ck_assert_uint_lt(services[i], 1150);
	}
}
END_TEST

/* More services than are remembered, each asked for twice in a row and then
   once more, so that found ones take others' places. */
START_TEST(remembered_routes_are_those_of_route)
{
	static struct routes routes;

	for (uint32_t workers = 1; workers <= 9; workers += 4) {
		routes_set(&routes, workers);
		ck_assert_uint_eq(routes.workers, workers);
		for (int32_t i = 0; i < 4 * ROUTES; i++) {
			int32_t modid = i % (2 * ROUTES) / 8, cmdid = i % 8;
			uint32_t slot = route(modid, cmdid, workers);

			ck_assert_uint_eq(
			    routes_find(&routes, modid, cmdid), slot);
			ck_assert_uint_eq(
			    routes_find(&routes, modid, cmdid), slot);
			ck_assert_uint_eq(routes_find(&routes, cmdid, modid),
			    route(cmdid, modid, workers));
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("route");
	TCase *tests = tcase_create("route");

	tcase_add_test(tests, murmur_has_the_verification_value);
	tcase_add_test(tests, murmur_reads_any_alignment);
	tcase_add_test(tests, jump_hash_has_the_published_values);
	tcase_add_test(tests, jump_hash_moves_keys_to_the_new_bucket_only);
	tcase_add_test(tests, jump_hash_takes_the_greatest_number_of_buckets);
	tcase_add_test(tests, route_keeps_its_values);
	tcase_add_test(tests, route_spreads_services_evenly);
	tcase_add_test(tests, remembered_routes_are_those_of_route);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
