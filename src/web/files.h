/* SPDX-License-Identifier: MIT
 *
 * reporter-web: the files of the page.  embed.sh compiles them in; for
 * developers they are read from a directory.  Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A file that is compiled in. */
struct asset {
	const char *name;                    /* without its directory */
	const char *tag;                     /* of its content, for ETag */
	const unsigned char *plain, *packed; /* packed with gzip */
	size_t plain_size, packed_size;      /* bytes */
};

extern const struct asset assets[];
extern const size_t assets_count;

/* A file found: either an asset, or a descriptor that the caller closes. */
struct file {
	const char *type;
	const struct asset *asset;
	int fd;
	size_t size; /* bytes of it */
};

/* file_find - the file for a URL's path: the last part is its name, at any
   depth, so that relative addresses work on each screen; / and the paths of the
   screens stand for the page.  directory: read it from there; NULL: compiled
   in.
   Returns false if there is none, or if it cannot be read. */
bool file_find(struct file *file, const char *directory, const char *path);
