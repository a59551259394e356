/* SPDX-License-Identifier: MIT
 *
 * The PROXY header.  Version 1 is a line of text, which ends in CR LF:
 *
 *	PROXY TCP4|TCP6 source destination source-port destination-port
 *	PROXY UNKNOWN anything
 *
 * Version 2:
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
#include "lib/text.h"

#include <arpa/inet.h>
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
header_of(enum proxy_verdict verdict, size_t wanted)
{
	return (struct proxy_header){ .verdict = verdict, .wanted = wanted };
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
	struct proxy_header header =
	    header_of(PROXY_ADDRESS, PROXY_FIXED + length);
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
		return "not a PROXY header";
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

/* ------------------------------------------------------------ version 1 --- */

/* The source of a whole line, which is changed. */
static bool
text_source(char *line, struct proxy_header *header)
{
	struct in6_addr destination;
	int64_t port, other;
	char *field[7];
	size_t n = 0;
	bool ipv4;

	while (line != NULL && n < sizeof(field) / sizeof(*field))
		field[n++] = strsep(&line, " ");
	if (n != 6)
		return false;
	ipv4 = strcmp(field[1], "TCP4") == 0;
	if (!ipv4 && strcmp(field[1], "TCP6") != 0)
		return false;
	header->source.any.sa_family = ipv4 ? AF_INET : AF_INET6;
	if (!text_number(field[4], 0, UINT16_MAX, &port) ||
	    !text_number(field[5], 0, UINT16_MAX, &other))
		return false;
	/* The port has the same place in an IPv6 address. */
	header->source.in.sin_port = htons((in_port_t)port);
	return inet_pton(header->source.any.sa_family, field[2],
		   ipv4 ? (void *)&header->source.in.sin_addr
			: (void *)&header->source.in6.sin6_addr) == 1 &&
	       inet_pton(
		   header->source.any.sa_family, field[3], &destination) == 1;
}

static struct proxy_header
text_parse(const uint8_t *bytes, size_t length)
{
	static const char unknown[] = "PROXY UNKNOWN";
	size_t near = length < PROXY_TEXT_MAX ? length : PROXY_TEXT_MAX;
	const uint8_t *end = memchr(bytes, '\n', near);
	struct proxy_header header = { .verdict = PROXY_ADDRESS };
	char line[PROXY_TEXT_MAX];
	size_t size;

	if (end == NULL)
		return length < PROXY_TEXT_MAX
			   ? header_of(PROXY_SHORT, length + 1)
			   : header_invalid("a PROXY header that is too long");
	size = (size_t)(end - bytes) - 1;
	header.wanted = size + 2;
	memcpy(line, bytes, size);
	line[size] = '\0';
	if (end[-1] != '\r' || strlen(line) != size)
		return header_invalid("a malformed PROXY header of version 1");
	if (strncmp(line, unknown, sizeof(unknown) - 1) == 0 &&
	    strchr(" ", line[sizeof(unknown) - 1]) != NULL)
		header.verdict = PROXY_OWN;
	else if (!text_source(line, &header))
		return header_invalid("a malformed PROXY header of version 1");
	return header;
}

/* ----------------------------------------------------------- any version -- */

struct proxy_header
proxy_parse(const uint8_t *bytes, size_t length)
{
	static const char text[] = "PROXY ";
	const char *fault;
	size_t follow, size = sizeof(text) - 1;

	if (length > 0 && bytes[0] == (uint8_t)text[0] &&
	    memcmp(bytes, text, length < size ? length : size) == 0)
		return text_parse(bytes, length);
	fault = fixed_fault(bytes, length);
	if (fault != NULL)
		return header_invalid(fault);
	if (length < PROXY_FIXED)
		return header_of(PROXY_SHORT, PROXY_FIXED);
	follow = two_bytes(bytes + 14);
	if (length < PROXY_FIXED + follow)
		return header_of(PROXY_SHORT, PROXY_FIXED + follow);
	if (bytes[12] == COMMAND_LOCAL)
		return header_of(PROXY_OWN, PROXY_FIXED + follow);
	return header_addresses(
	    bytes[13] == FAMILY_TCP4, bytes + PROXY_FIXED, follow);
}
