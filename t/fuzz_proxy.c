/* SPDX-License-Identifier: MIT
 *
 * The PROXY header: the bytes that a connection begins with.  Shows that it
 * does not matter how they are cut, that the header ends where its bytes tell,
 * and that a source is the one which they tell.
 */
#include "config.h"

#include "fuzz.h"
#include "edge/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Each verdict has what its contract says, and nothing else. */
static void
check_verdict(const struct proxy_header *header, size_t length)
{
	FUZZ_CHECK(
	    (header->verdict == PROXY_INVALID) == (header->fault != NULL));
	FUZZ_CHECK(header->wanted <= PROXY_HEADER_MAX);
	if (header->verdict == PROXY_SHORT)
		FUZZ_CHECK(header->wanted > length);
	else if (header->verdict != PROXY_INVALID)
		FUZZ_CHECK(header->wanted <= length);
}

/* Version 1: the first line, and nothing behind it. */
static void
check_text(const struct proxy_header *header, const uint8_t *bytes)
{
	char line[PROXY_TEXT_MAX + 1] = "", address[INET6_ADDRSTRLEN] = "";
	uint8_t source[16];
	unsigned port = 0;
	int family = header->source.any.sa_family;

	FUZZ_CHECK(header->wanted <= PROXY_TEXT_MAX);
	FUZZ_CHECK(
	    memchr(bytes, '\n', header->wanted) == bytes + header->wanted - 1);
	if (header->verdict != PROXY_ADDRESS)
		return;
	memcpy(line, bytes, header->wanted);
	FUZZ_CHECK(sscanf(line, "PROXY TCP%*1[46] %45[0-9a-fA-F.:] %*s %u",
		       address, &port) == 2);
	FUZZ_CHECK(family == (line[9] == '4' ? AF_INET : AF_INET6));
	FUZZ_CHECK(inet_pton(family, address, source) == 1);
	FUZZ_CHECK(
	    memcmp(source,
		family == AF_INET ? (const void *)&header->source.in.sin_addr
				  : (const void *)&header->source.in6.sin6_addr,
		family == AF_INET ? 4 : 16) == 0);
	FUZZ_CHECK(ntohs(header->source.in.sin_port) == port);
}

/* Where the protocol's text has the addresses. */
static void
check_source(const struct proxy_header *header, const uint8_t *bytes)
{
	if (header->verdict != PROXY_ADDRESS)
		return;
	if (header->source.any.sa_family == AF_INET) {
		FUZZ_CHECK(bytes[13] == 0x11);
		FUZZ_CHECK(
		    memcmp(&header->source.in.sin_addr, bytes + 16, 4) == 0);
		FUZZ_CHECK(
		    memcmp(&header->source.in.sin_port, bytes + 24, 2) == 0);
		return;
	}
	FUZZ_CHECK(header->source.any.sa_family == AF_INET6);
	FUZZ_CHECK(bytes[13] == 0x21);
	FUZZ_CHECK(memcmp(&header->source.in6.sin6_addr, bytes + 16, 16) == 0);
	FUZZ_CHECK(memcmp(&header->source.in6.sin6_port, bytes + 48, 2) == 0);
}

/* Read by small steps.  Memory ends where the bytes do, so one read too many is
   seen.  Returns the last verdict. */
static struct proxy_header
read_by_steps(const uint8_t *data, size_t size, size_t step)
{
	struct proxy_header header = { .verdict = PROXY_SHORT,
		.wanted = PROXY_FIXED };
	size_t n = 0;

	while (header.verdict == PROXY_SHORT && n < size) {
		n = n + step < size ? n + step : size;
		uint8_t *piece = malloc(n);
		FUZZ_CHECK(piece != NULL);
		memcpy(piece, data, n);
		header = proxy_parse(piece, n);
		free(piece);
		check_verdict(&header, n);
	}
	return header;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[] = { 1, 7, PROXY_HEADER_MAX };
	struct proxy_header whole = proxy_parse(data, size);

	check_verdict(&whole, size);
	if (whole.verdict == PROXY_OWN || whole.verdict == PROXY_ADDRESS)
		(data[0] == 'P' ? check_text : check_source)(&whole, data);
	for (size_t i = 0; size > 0 && i < sizeof(steps) / sizeof(*steps);
	     i++) {
		struct proxy_header last = read_by_steps(data, size, steps[i]);

		FUZZ_CHECK(last.verdict == whole.verdict);
		FUZZ_CHECK(last.verdict == PROXY_INVALID ||
			   last.wanted == whole.wanted);
		/* A fault may be told before another that stands further on. */
		FUZZ_CHECK(last.verdict == PROXY_INVALID ||
			   memcmp(&last.source, &whole.source,
			       sizeof(last.source)) == 0);
	}
	return 0;
}
