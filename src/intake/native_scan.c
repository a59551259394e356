/* SPDX-License-Identifier: MIT
 *
 * Where a native message ends.  Counts the objects that are still to come
 * instead of recursing, so nesting costs nothing, and keeps what it knows in
 * the caller's struct native_scan.
 */
#include "config.h"

#include "intake/native.h"

/* What follows a tag of 0xc0 to 0xdf. */
struct shape {
	uint8_t size;    /* bytes it has at least, its tag counted; 0: no tag */
	uint8_t counter; /* bytes of these that count what follows */
	uint8_t objects; /* for each one counted: 0 if it is a byte, else
			    objects */
};

static const struct shape shapes[32] = {
	{ 1, 0, 0 }, { 0, 0, 0 }, { 1, 0, 0 }, { 1, 0, 0 }, /* nil, -, bool */
	{ 2, 1, 0 }, { 3, 2, 0 }, { 5, 4, 0 },              /* bin */
	{ 3, 1, 0 }, { 4, 2, 0 }, { 6, 4, 0 },              /* ext */
	{ 5, 0, 0 }, { 9, 0, 0 },                           /* float */
	{ 2, 0, 0 }, { 3, 0, 0 }, { 5, 0, 0 }, { 9, 0, 0 }, /* uint */
	{ 2, 0, 0 }, { 3, 0, 0 }, { 5, 0, 0 }, { 9, 0, 0 }, /* int */
	{ 3, 0, 0 }, { 4, 0, 0 }, { 6, 0, 0 }, { 10, 0, 0 }, { 18, 0, 0 },
	{ 2, 1, 0 }, { 3, 2, 0 }, { 5, 4, 0 }, /* above: fixext; here: str */
	{ 3, 2, 1 }, { 5, 4, 1 },              /* array */
	{ 3, 2, 2 }, { 5, 4, 2 }               /* map */
};

/* scan_shape - pass one object with a tag of 0xc0 to 0xdf. */
static inline enum decode
scan_shape(const uint8_t *p, size_t length, struct native_scan *scan)
{
	const uint8_t *at = p + scan->offset;
	struct shape shape = shapes[*at & 0x1f];
	uint64_t counted;

	if (shape.size == 0)
		return DECODE_CLOSE;
	if (length - scan->offset <= shape.counter)
		return DECODE_SHORT;
	counted = load_big_endian(at + 1, shape.counter);
	scan->offset += shape.size + (shape.objects == 0 ? counted : 0);
	scan->wanted += counted * shape.objects - 1;
	return DECODE_REPORT;
}

/* scan_objects - pass the objects wanted; as native_scan() returns. */
static inline enum decode
scan_objects(const uint8_t *p, size_t length, struct native_scan *scan)
{
	while (scan->wanted > 0) {
		uint8_t tag;
		enum decode found;

		if (scan->offset >= length)
			return DECODE_SHORT;
		tag = p[scan->offset];
		if (tag >= 0xc0 && tag < 0xe0) {
			found = scan_shape(p, length, scan);
			if (found != DECODE_REPORT)
				return found;
			continue;
		}
		scan->offset++;
		scan->wanted--;
		if (tag >= 0x80 && tag < 0x90)
			scan->wanted += 2 * (tag & 0x0fu); /* map */
		else if (tag >= 0x90 && tag < 0xa0)
			scan->wanted += tag & 0x0fu; /* array */
		else if (tag >= 0xa0 && tag < 0xc0)
			scan->offset += tag & 0x1fu; /* str */
	}
	return scan->offset > length ? DECODE_SHORT : DECODE_REPORT;
}

enum decode
native_scan(const uint8_t *p, size_t length, struct native_scan *scan)
{
	/* A copy of our own, which the compiler can keep in registers. */
	struct native_scan now = *scan;
	enum decode found;

	if (now.offset == 0)
		now.wanted = 1;
	found = scan_objects(p, length, &now);
	*scan = now;
	return found;
}
