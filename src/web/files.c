/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "web/files.h"

#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

/* On any other path the page would ask for figures where there are none. */
static bool
is_screen(const char *path)
{
	regex_t screens;

	if (regcomp(&screens,
		"^/(agents|instance|help|s/-?[0-9]+/-?[0-9]+(/[0-9.]+:[0-9]+)?)"
		"?$",
		REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	bool is = regexec(&screens, path, 0, NULL, 0) == 0;
	regfree(&screens);
	return is;
}

bool
file_find(struct file *file, const char *directory, const char *path)
{
	const char *name = strrchr(path, '/');
	char full[4096];
	struct stat st;

	if (name == NULL)
		return false;
	*file = (struct file){ .type = type_of(++name) };
	if (file->type == NULL && is_screen(path))
		file->type = type_of(name = "page.html");
	if (file->type == NULL)
		return false;
	if (directory != NULL) {
		snprintf(full, sizeof(full), "%s/%s", directory, name);
		file->fd = *name == '.' ? -1 : open(full, O_RDONLY | O_CLOEXEC);
		if (file->fd >= 0 && fstat(file->fd, &st) == 0)
			file->size = (size_t)st.st_size;
		return file->fd >= 0;
	}
	for (size_t i = 0; i < assets_count; i++)
		if (strcmp(assets[i].name, name) == 0)
			file->asset = &assets[i];
	return file->asset != NULL;
}
