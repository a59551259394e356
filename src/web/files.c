/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "web/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_READ ((size_t)1 << 20) /* bytes of a file in a directory */

static const struct {
	const char *suffix, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
};

static const char *
type_of(const char *name)
{
	const char *suffix = strrchr(name, '.');

	for (size_t i = 0; suffix != NULL && i < sizeof(types) / sizeof(*types);
	     i++)
		if (strcmp(types[i].suffix, suffix) == 0)
			return types[i].type;
	return NULL;
}

static bool
file_read(struct file *file, const char *directory, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *in = *name == '.' ? NULL : fopen(path, "re");
	if (in == NULL)
		return false;
	file->body = malloc(SIZE_MAX_READ);
	if (file->body != NULL)
		file->size = fread(file->body, 1, SIZE_MAX_READ, in);
	fclose(in);
	return file->body != NULL;
}

bool
file_find(struct file *file, const char *directory, const char *path)
{
	static const char *const screens[] = { "/", "/agents", "/instance",
		"/help" };
	const char *name = strrchr(path, '/');
	bool is_page = strncmp(path, "/s/", 3) == 0;

	for (size_t i = 0; i < sizeof(screens) / sizeof(*screens); i++)
		is_page |= strcmp(screens[i], path) == 0;
	if (name == NULL)
		return false;
	*file = (struct file){ .type = type_of(++name) };
	if (file->type == NULL && is_page)
		file->type = type_of(name = "page.html");
	if (file->type == NULL)
		return false;
	if (directory != NULL)
		return file_read(file, directory, name);
	for (size_t i = 0; i < assets_count; i++)
		if (strcmp(assets[i].name, name) == 0)
			file->asset = &assets[i];
	return file->asset != NULL;
}
