/* SPDX-License-Identifier: MIT
 *
 * Loading configurations in tests; an error of the fixture fails the test.
 */
#include "config.h"

#include "config_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char config_directory[64], config_path[96];
char *config_errors;

void
config_setup(void)
{
	strcpy(config_directory, "/tmp/reporter-unit-option.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(config_directory));
	snprintf(
	    config_path, sizeof(config_path), "%s/a.conf", config_directory);
}

void
config_teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", config_directory);
	ck_assert_int_eq(system(command), 0);
	free(config_errors);
	config_errors = NULL;
}

void
config_put(const char *name, const char *text, size_t length)
{
	char full[160];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", config_directory, name);
	file = fopen(full, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, length, file), length);
	ck_assert_int_eq(fclose(file), 0);
}

struct settings *
config_load_path(const char *name)
{
	struct settings *settings;
	size_t size, strip = strlen(config_directory) + 1;
	FILE *out;
	char *at;

	free(config_errors);
	out = open_memstream(&config_errors, &size);
	ck_assert_ptr_nonnull(out);
	settings = settings_load(name, out);
	fclose(out);
	while ((at = strstr(config_errors, config_directory)) != NULL)
		memmove(at, at + strip, strlen(at + strip) + 1);
	return settings;
}

struct settings *
config_load(const char *text)
{
	config_put("a.conf", text, strlen(text));
	return config_load_path(config_path);
}

struct settings *
config_valid(const char *text)
{
	struct settings *settings = config_load(text);

	ck_assert_msg(settings != NULL, "%s", config_errors);
	ck_assert_str_eq(config_errors, "");
	return settings;
}

void
config_invalid(const char *text, const char *wanted)
{
	ck_assert_ptr_null(config_load(text));
	ck_assert_str_eq(config_errors, wanted);
}

void
config_same(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live)
{
	(void)arg;
	(void)live;
	/* Those two depend on the directories of the build. */
	if (strcmp(name, "mysql.dead_letter_file") != 0 &&
	    strcmp(name, "reporter.runtime_directory") != 0)
		ck_abort_msg("%s: %s became %s", name, old_value, new_value);
}
