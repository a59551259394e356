/* SPDX-License-Identifier: MIT
 *
 * The configuration file: the bytes before the first 0xff are a.conf, those
 * after it b.conf in the same directory.  Shows that each error is reported
 * with its file, and that the dump of a configuration loads as the same.
 *
 * A line that could include a file of the system is not tried.
 */
#include "config.h"

#include "fuzz.h"
#include "conf/settings.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];

static void
directory_remove(void)
{
	const char *const names[] = { "a.conf", "b.conf", "dump.conf" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

static void
directory_make(void)
{
	/* In memory: a disk would be what takes long. */
	snprintf(directory, sizeof(directory), "/dev/shm/reporter.fuzz-%d.conf",
	    (int)getpid());
	FUZZ_CHECK(mkdir(directory, 0700) == 0);
	atexit(directory_remove);
}

static const char *
path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void
put(const char *name, const uint8_t *data, size_t size)
{
	FILE *file = fopen(path_of(name), "wb");

	FUZZ_CHECK(file != NULL);
	FUZZ_CHECK(size == 0 || fwrite(data, 1, size, file) == size);
	FUZZ_CHECK(fclose(file) == 0);
}

/* Whether a line names a file elsewhere to be included. */
static int
leads_away(const uint8_t *data, size_t size)
{
	while (size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t length = end == NULL ? size : (size_t)(end - data) + 1;

		if (memmem(data, length, "include", strlen("include")) !=
			NULL &&
		    memchr(data, '/', length) != NULL)
			return 1;
		data += length;
		size -= length;
	}
	return 0;
}

/* Every complaint names a file of the directory, and has a text. */
static void
check_complaints(const char *text)
{
	FUZZ_CHECK(*text != '\0');
	while (*text != '\0') {
		const char *end = strchr(text, '\n');

		FUZZ_CHECK(end != NULL);
		FUZZ_CHECK(strncmp(text, directory, strlen(directory)) == 0);
		FUZZ_CHECK(memmem(text, (size_t)(end - text), ": ", 2) != NULL);
		text = end + 1;
	}
}

static void
same(void *arg, const char *name, const char *old_value, const char *new_value,
    enum option_live live)
{
	(void)arg;
	(void)live;
	/* The one thing that a dump does not show. */
	if (strcmp(name, "mysql.password") == 0)
		return;
	fprintf(
	    stderr, "%s: \"%s\" became \"%s\"\n", name, old_value, new_value);
	abort();
}

/* load - the settings, or NULL; *told: the complaints, for free(). */
static struct settings *
load(const char *name, char **told)
{
	size_t size;
	FILE *errors = open_memstream(told, &size);

	FUZZ_CHECK(errors != NULL);
	struct settings *settings = settings_load(path_of(name), errors);
	FUZZ_CHECK(fclose(errors) == 0);
	return settings;
}

static void
check_dump(const struct settings *settings)
{
	FILE *file = fopen(path_of("dump.conf"), "w");
	char *told;

	FUZZ_CHECK(file != NULL);
	settings_dump(settings, file);
	FUZZ_CHECK(fclose(file) == 0);
	struct settings *again = load("dump.conf", &told);
	if (again == NULL)
		fputs(told, stderr);
	FUZZ_CHECK(again != NULL);
	settings_compare(settings, again, same, NULL);
	settings_free(again);
	free(told);
	unlink(path_of("dump.conf"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *told;

	if (*directory == '\0')
		directory_make();
	if (leads_away(data, size))
		return 0;
	const uint8_t *cut = size == 0 ? NULL : memchr(data, 0xff, size);
	size_t first = cut == NULL ? size : (size_t)(cut - data);
	put("a.conf", data, first);
	put("b.conf", cut == NULL ? NULL : cut + 1,
	    cut == NULL ? 0 : size - first - 1);
	struct settings *settings = load("a.conf", &told);
	if (settings == NULL) {
		check_complaints(told);
	} else {
		FUZZ_CHECK(*told == '\0');
		check_dump(settings);
	}
	settings_free(settings);
	free(told);
	return 0;
}
