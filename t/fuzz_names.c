/* SPDX-License-Identifier: MIT
 *
 * The file of services' names.  Shows that a name is short, printable and not
 * empty, that each complaint names the file, and that lines made of what was
 * read are read as the same.
 */
#include "config.h"

#include "fuzz.h"
#include "lib/text.h"
#include "status/names.h"

#include <string.h>
#include <unistd.h>

static char path[64];
static unsigned complaints;

static void
path_remove(void)
{
	unlink(path);
}

static void
complain(const char *text)
{
	FUZZ_CHECK(strncmp(text, path, strlen(path)) == 0);
	FUZZ_CHECK(strstr(text, ", expected ") != NULL);
	complaints++;
}

static struct names *
names_of(const void *data, size_t size)
{
	FILE *file = fopen(path, "wb");

	FUZZ_CHECK(file != NULL);
	FUZZ_CHECK(size == 0 || fwrite(data, 1, size, file) == size);
	FUZZ_CHECK(fclose(file) == 0);
	complaints = 0;
	struct names *names = names_read(path, false, NULL, complain);
	FUZZ_CHECK(names != NULL && complaints <= NAMES_COMPLAINTS_MAX);
	return names;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char lines[256] = "", plain[2 * NAMES_NAME_MAX];
	size_t count = 0;

	if (*path == '\0') {
		snprintf(path, sizeof(path), "/dev/shm/reporter.fuzz-%d.names",
		    (int)getpid());
		atexit(path_remove);
	}
	struct names *names = names_of(data, size);
	for (int32_t i = 0; i < 10; i++) {
		const char *name = names_find(names, i % 2, i / 2);

		if (name == NULL)
			continue;
		FUZZ_CHECK(*name != '\0' && strlen(name) <= NAMES_NAME_MAX);
		text_escape(plain, sizeof(plain), name);
		FUZZ_CHECK(strcmp(plain, name) == 0);
		snprintf(
		    lines, sizeof(lines), "%d %d %s\n", i % 2, i / 2, name);
		count++;
	}
	FUZZ_CHECK(names_count(names) >= count);
	names_free(names);
	names = names_of(lines, strlen(lines));
	FUZZ_CHECK(complaints == 0);
	FUZZ_CHECK(names_count(names) == (count > 0));
	names_free(names);
	return 0;
}
