/* SPDX-License-Identifier: MIT
 *
 * reporter-web: the files of the page.  embed.sh compiles them in; for who
 * works on them they are read from a directory.  Any thread.
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

/* An answer: either of what is compiled in, or a body that is the caller's to
   free. */
struct file {
	const char *type;
	const struct asset *asset;
	char *body;
	size_t size; /* bytes of the body */
};

/*
 * file_find - the file that a path of a URL means: the last part names it, at
 * any depth, so that relative addresses work on each screen; / and the paths of
 * the screens mean the page.  directory: read it from there, NULL: compiled in.
 * Returns false if there is none, or if it cannot be read.
 */
bool file_find(struct file *file, const char *directory, const char *path);
