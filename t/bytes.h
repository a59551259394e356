/* SPDX-License-Identifier: MIT
 *
 * For tests of decoders: bytes to build messages with, a place for them that
 * ends where the memory ends, and random numbers that repeat.
 */
#pragma once

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BYTES_MAX 131072

struct bytes {
	size_t length;
	uint8_t data[BYTES_MAX];
};

/* bytes_new - none yet, for free(). */
static inline struct bytes *
bytes_new(void)
{
	struct bytes *b = calloc(1, sizeof(*b));

	if (b == NULL)
		ck_abort_msg("there is no memory");
	return b;
}

static inline void
bytes_add(struct bytes *b, const void *data, size_t length)
{
	if (length > BYTES_MAX - b->length)
		ck_abort_msg("no room");
	memcpy(b->data + b->length, data, length);
	b->length += length;
}

/* BYTES - append literal bytes. */
#define BYTES(b, ...) \
	bytes_add((b), (const uint8_t[]){ __VA_ARGS__ }, \
	    sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* bytes_fill - append the same byte so many times. */
static inline void
bytes_fill(struct bytes *b, uint8_t byte, size_t times)
{
	if (times > BYTES_MAX - b->length)
		ck_abort_msg("no room");
	memset(b->data + b->length, byte, times);
	b->length += times;
}

/* bytes_big_endian - append the lowest bytes of value. */
static inline void
bytes_big_endian(struct bytes *b, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0)
		BYTES(b, (uint8_t)(value >> 8 * bytes));
}

/* bytes_guarded - a copy that ends right before memory that cannot be read, so
   that one byte too many is a crash.  Valid until the next call. */
static inline const uint8_t *
bytes_guarded(const uint8_t *data, size_t length)
{
	static uint8_t *end;

	if (end == NULL) {
		uint8_t *area = mmap(NULL, BYTES_MAX + 65536,
		    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		ck_assert_ptr_ne(area, MAP_FAILED);
		end = area + BYTES_MAX;
		ck_assert_int_eq(mprotect(end, 65536, PROT_NONE), 0);
	}
	memcpy(end - length, data, length);
	return end - length;
}

/* random_next - the next number; the state is any number to begin with. */
static inline uint64_t
random_next(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static inline size_t
random_below(uint64_t *state, size_t limit)
{
	return random_next(state) % limit;
}

/* random_seed - where to begin: TEST_SEED of the environment, or always the
   same.  Says which. */
static inline uint64_t
random_seed(const char *test)
{
	const char *text = getenv("TEST_SEED");
	uint64_t seed = text == NULL ? 20240229 : strtoull(text, NULL, 0);

	printf("%s: TEST_SEED=%llu\n", test, (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

/* bytes_mutate - one random change: a bit, a byte, some bytes more or less, or
   a piece of it once more. */
static inline void
bytes_mutate(struct bytes *b, uint64_t *state)
{
	static const uint8_t edges[] = { 0x00, 0x01, 0x08, 0x7f, 0x80, 0x90,
		0x95, 0x96, 0xa1, 0xc0, 0xc1, 0xc2, 0xc3, 0xc7, 0xcc, 0xcd,
		0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd9, 0xdc, 0xff };
	size_t at = random_below(state, b->length + 1);
	size_t left = b->length - at;
	size_t piece = left == 0 ? 0 : random_below(state, left) % 20 + 1;

	if (piece > left)
		piece = left;
	switch (random_below(state, 6)) {
	case 0:
		if (left > 0)
			b->data[at] ^= (uint8_t)(1u << random_below(state, 8));
		break;
	case 1:
		if (left > 0)
			b->data[at] = edges[random_below(state, sizeof(edges))];
		break;
	case 2:
		if (left > 0)
			b->data[at] = (uint8_t)random_next(state);
		break;
	case 3: /* take a piece out */
		memmove(b->data + at, b->data + at + piece, left - piece);
		b->length -= piece;
		break;
	case 4: /* put a piece in twice */
		memmove(b->data + at + piece, b->data + at, left);
		b->length += piece;
		break;
	default: /* put a byte in */
		memmove(b->data + at + 1, b->data + at, left);
		b->data[at] = random_below(state, 2) == 0
				  ? (uint8_t)random_next(state)
				  : edges[random_below(state, sizeof(edges))];
		b->length++;
		break;
	}
}
