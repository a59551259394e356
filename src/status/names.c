/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "status/names.h"

#include <stdlib.h>

struct names {
	size_t count;
};

struct names *
names_read(const char *path, bool optional, struct names *before,
    void (*complain)(const char *text))
{
	(void)path;
	(void)optional;
	(void)complain;
	return before != NULL ? before : calloc(1, sizeof(struct names));
}

void
names_free(struct names *names)
{
	free(names);
}

const char *
names_find(const struct names *names, int32_t modid, int32_t cmdid)
{
	(void)names;
	(void)modid;
	(void)cmdid;
	return NULL;
}

size_t
names_count(const struct names *names)
{
	return names->count;
}
