/* SPDX-License-Identifier: MIT
 *
 * Memory that may have held a secret.
 */
#include "config.h"

#include "lib/wipe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_FIRST 256 /* bytes of a line's first buffer */

void
wipe_text(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

/* Double the buffer. */
static int
line_grow(char **line, size_t *size)
{
	size_t larger = *line == NULL ? LINE_FIRST : *size * 2;
	char *copy = malloc(larger);

	if (copy == NULL)
		return -1;
	if (*line != NULL) {
		memcpy(copy, *line, *size);
		explicit_bzero(*line, *size);
		free(*line);
	}
	*line = copy;
	*size = larger;
	return 0;
}

ssize_t
wipe_getline(char **line, size_t *size, FILE *file)
{
	size_t length = 0;
	int c;

	do {
		c = getc(file);
		if (c == EOF)
			break;
		/* One byte more is for the 0. */
		if ((*line == NULL || length + 1 >= *size) &&
		    line_grow(line, size) < 0) {
			errno = ENOMEM;
			return -1;
		}
		(*line)[length++] = (char)c;
	} while (c != '\n');
	if (length == 0)
		return -1;
	(*line)[length] = '\0';
	return (ssize_t)length;
}
