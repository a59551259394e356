/* SPDX-License-Identifier: MIT
 *
 * The state of an ark.  An input is the whole state, but for its length, which
 * is put right.  Shows that what is accepted can be read to its end, that all
 * of it lies in the input, and that nothing is left over.
 */
#include "config.h"

#include "edge/ark.h"
#include "fuzz.h"
#include "intake/intake.h"

#include <string.h>

/* Read an accepted state.  Returns where its last connection ends. */
static const uint8_t *
read_all(struct ark_reader *reader)
{
	uint64_t sockets =
	    reader->header.listeners + reader->header.connections;
	const uint8_t *bytes, *end = reader->bytes + sizeof(reader->header);
	const struct ark_conn *conn;
	int fd;

	reader->fds = malloc((sockets + 1) * sizeof(int));
	FUZZ_CHECK(reader->fds != NULL);
	for (uint64_t i = 0; i < sockets; i++)
		reader->fds[i] = (int)i;
	while ((fd = ark_next(reader, &conn, &bytes)) >= 0) {
		uint8_t last = 0;

		FUZZ_CHECK(reader->next == (uint64_t)fd + 1);
		FUZZ_CHECK((conn == NULL) ==
			   ((uint64_t)fd < reader->header.listeners));
		if (conn == NULL)
			continue;

		FUZZ_CHECK((const uint8_t *)conn == end);
		FUZZ_CHECK(bytes == end + sizeof(*conn));
		FUZZ_CHECK(conn->dialect <= DIALECT_ELB);
		for (uint32_t i = 0; i < conn->buffered; i++)
			last ^= bytes[i];
		end = bytes + conn->buffered;
		end += -(uintptr_t)end & 7;
		FUZZ_CHECK(last != 0 || conn->buffered <= 2 * MESSAGE_MAX);
	}
	FUZZ_CHECK(reader->next == sockets);
	free(reader->fds);
	return end;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ark_reader reader;
	struct ark_header *header;
	uint8_t *bytes = malloc(size + 1); /* aligned to 8 */

	FUZZ_CHECK(bytes != NULL);
	memcpy(bytes, data, size);
	header = (struct ark_header *)(void *)bytes;
	if (size >= sizeof(*header))
		header->length = size;
	if (ark_parse(&reader, bytes, size, "default") == NULL)
		FUZZ_CHECK(read_all(&reader) == bytes + size);
	free(bytes);
	return 0;
}
