/* SPDX-License-Identifier: MIT
 *
 * The PROXY header.
 *
 *    0  signature, 12 bytes
 *   12  version 2 and command: 0x20 LOCAL, 0x21 PROXY
 *   13  family and transport: 0x11 TCP over IPv4, 0x21 TCP over IPv6
 *   14  bytes that follow, high byte first
 *   16  source address, destination address, source port, destination port
 *       then any number of: type, length in two bytes, value
 */
#include "config.h"

#include "edge/proxy.h"

#include <stdbool.h>
#include <string.h>

#define SIGNATURE_BYTES 12
#define COMMAND_LOCAL 0x20
#define COMMAND_PROXY 0x21
#define FAMILY_TCP4 0x11
#define FAMILY_TCP6 0x21
#define PORT_BYTES 2
#define EXTRA_HEAD 3 /* type and length of an extra value */

static const uint8_t signature[SIGNATURE_BYTES] = { '\r', '\n', '\r', '\n', 0,
	'\r', '\n', 'Q', 'U', 'I', 'T', '\n' };

static struct proxy_header
header_invalid(const char *fault)
{
	return (struct proxy_header){
		.verdict = PROXY_INVALID, .wanted = PROXY_FIXED, .fault = fault
	};
}

static struct proxy_header
header_short(size_t wanted)
{
	return (
	    struct proxy_header){ .verdict = PROXY_SHORT, .wanted = wanted };
}

static size_t
two_bytes(const uint8_t *bytes)
{
	return (size_t)bytes[0] << 8 | bytes[1];
}

/* Whether the values behind the addresses end where the header does. */
static bool
extras_fit(const uint8_t *bytes, size_t length)
{
	size_t at = 0;

	while (length - at >= EXTRA_HEAD) {
		size_t value = two_bytes(bytes + at + 1);

		if (value > length - at - EXTRA_HEAD)
			return false;
		at += EXTRA_HEAD + value;
	}
	return at == length;
}

/* The bytes behind the fixed part of a PROXY command: two addresses, two ports,
   values. */
static struct proxy_header
header_addresses(bool ipv4, const uint8_t *bytes, size_t length)
{
	struct proxy_header header = { .verdict = PROXY_ADDRESS,
		.wanted = PROXY_FIXED + length };
	size_t size = ipv4 ? sizeof(header.source.in.sin_addr)
			   : sizeof(header.source.in6.sin6_addr);
	size_t values = 2 * size + 2 * PORT_BYTES;

	if (length < values)
		return header_invalid("a PROXY header too short for addresses");
	if (!extras_fit(bytes + values, length - values))
		return header_invalid("a PROXY header whose values do not fit");
	header.source.any.sa_family = ipv4 ? AF_INET : AF_INET6;
	memcpy(ipv4 ? (void *)&header.source.in.sin_addr
		    : (void *)&header.source.in6.sin6_addr,
	    bytes, size);
	/* The port has the same place in an IPv6 address. */
	memcpy(&header.source.in.sin_port, bytes + 2 * size, PORT_BYTES);
	return header;
}

/* The fault of the fixed part, as early as it is known. */
static const char *
fixed_fault(const uint8_t *bytes, size_t length)
{
	if (memcmp(bytes, signature,
		length < SIGNATURE_BYTES ? length : SIGNATURE_BYTES) != 0)
		return "not a PROXY header of version 2";
	if (length > 12 && bytes[12] >> 4 != 2)
		return "a PROXY header of another version";
	if (length > 12 && bytes[12] > COMMAND_PROXY)
		return "a PROXY header with an unknown command";
	/* Without an address we would take the balancer's for the agent's. */
	if (length > 13 && bytes[12] == COMMAND_PROXY &&
	    bytes[13] != FAMILY_TCP4 && bytes[13] != FAMILY_TCP6)
		return "a PROXY header of neither TCP over IPv4 nor over IPv6";
	if (length >= PROXY_FIXED &&
	    two_bytes(bytes + 14) > PROXY_HEADER_MAX - PROXY_FIXED)
		return "a PROXY header that is too long";
	return NULL;
}

struct proxy_header
proxy_parse(const uint8_t *bytes, size_t length)
{
	const char *fault = fixed_fault(bytes, length);
	size_t follow;

	if (fault != NULL)
		return header_invalid(fault);
	if (length < PROXY_FIXED)
		return header_short(PROXY_FIXED);
	follow = two_bytes(bytes + 14);
	if (length < PROXY_FIXED + follow)
		return header_short(PROXY_FIXED + follow);
	if (bytes[12] == COMMAND_LOCAL)
		return (struct proxy_header){ .verdict = PROXY_OWN,
			.wanted = PROXY_FIXED + follow };
	return header_addresses(
	    bytes[13] == FAMILY_TCP4, bytes + PROXY_FIXED, follow);
}
