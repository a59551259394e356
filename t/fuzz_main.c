/* SPDX-License-Identifier: MIT
 *
 * Calls a fuzz target with files: the kept corpus in `make check`, or one
 * input that a fuzzer found, in a debugger.  Each input lies in memory that
 * ends where it ends, so that one byte too many is a crash without sanitizers
 * as well.  Names each file before it is tried.
 */
#include "config.h"

#include "fuzz.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define INPUT_MAX (1 << 20)

/* An input's bytes, at the end of what can be read. */
static uint8_t *
input_place(size_t size)
{
	static uint8_t *end;

	if (end == NULL) {
		size_t guard = (size_t)sysconf(_SC_PAGESIZE);
		uint8_t *area = mmap(NULL, INPUT_MAX + guard,
		    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		FUZZ_CHECK(area != MAP_FAILED);
		end = area + INPUT_MAX;
		FUZZ_CHECK(mprotect(end, guard, PROT_NONE) == 0);
	}
	return end - size;
}

static int
try_file(const char *path)
{
	static uint8_t bytes[INPUT_MAX];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (file == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	size = fread(bytes, 1, sizeof(bytes), file);
	if (ferror(file) || size == sizeof(bytes)) {
		fprintf(stderr, "%s: cannot be read, or is over %d bytes\n",
		    path, INPUT_MAX - 1);
		fclose(file);
		return -1;
	}
	fclose(file);
	uint8_t *place = input_place(size);
	memcpy(place, bytes, size);
	LLVMFuzzerTestOneInput(place, size);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		puts(argv[i]);
		fflush(stdout);
		if (try_file(argv[i]) < 0)
			return 2;
	}
	printf("%d tried\n", argc - 1);
	return 0;
}
