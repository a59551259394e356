/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "client/pack.h"

/* A first byte, and the last n bytes of the value. */
static uint8_t *
pack_bytes(uint8_t *out, uint8_t first, uint64_t value, int n)
{
	*out++ = first;
	while (n-- > 0)
		*out++ = (uint8_t)(value >> 8 * n);
	return out;
}

static uint8_t *
pack_uint(uint8_t *out, uint64_t value)
{
	if (value < 0x80)
		return pack_bytes(out, (uint8_t)value, 0, 0);
	if (value <= UINT8_MAX)
		return pack_bytes(out, 0xcc, value, 1);
	if (value <= UINT16_MAX)
		return pack_bytes(out, 0xcd, value, 2);
	if (value <= UINT32_MAX)
		return pack_bytes(out, 0xce, value, 4);
	return pack_bytes(out, 0xcf, value, 8);
}

static uint8_t *
pack_int(uint8_t *out, int32_t value)
{
	if (value >= 0)
		return pack_uint(out, (uint64_t)value);
	if (value >= -32)
		return pack_bytes(out, (uint8_t)value, 0, 0);
	if (value >= INT8_MIN)
		return pack_bytes(out, 0xd0, (uint64_t)value, 1);
	if (value >= INT16_MIN)
		return pack_bytes(out, 0xd1, (uint64_t)value, 2);
	return pack_bytes(out, 0xd2, (uint64_t)value, 4);
}

static uint8_t *
pack_array(uint8_t *out, size_t n)
{
	if (n < 16)
		return pack_bytes(out, (uint8_t)(0x90 | n), 0, 0);
	if (n <= UINT16_MAX)
		return pack_bytes(out, 0xdc, n, 2);
	return pack_bytes(out, 0xdd, n, 4);
}

size_t
pack_report(const struct record *records, size_t n, uint8_t *out)
{
	uint8_t *next = pack_uint(pack_array(out, 6), 1);

	next = pack_int(pack_int(next, records->modid), records->cmdid);
	next = pack_uint(next, records->caller);
	next = pack_uint(next, record_ts(records));
	next = pack_array(next, n);
	for (const struct record *r = records; r < records + n; r++) {
		next = pack_uint(pack_array(next, 5), record_address(r));
		next = pack_uint(next, r->port);
		next = pack_uint(pack_uint(next, r->succ), r->err);
		*next++ = r->overload ? 0xc3 : 0xc2;
	}
	return (size_t)(next - out);
}
