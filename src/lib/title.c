/* SPDX-License-Identifier: MIT
 *
 * Process titles, in the memory of main()'s arguments, from which the kernel
 * reads them.
 */
#include "config.h"

#include "lib/title.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static char *title_start;
static size_t title_size;

void
title_init(int argc, char **argv)
{
	title_start = argv[0];
	/* The arguments are contiguous. */
	title_size =
	    (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) + 1 - argv[0]);
}

void
title_set(const char *role)
{
	char name[16];

	/* Shown by `ps -o comm` and top, 15 characters. */
	snprintf(name, sizeof(name), "reporter %.6s", role);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	if (title_size == 0)
		return;
	memset(title_start, 0, title_size);
	snprintf(title_start, title_size, "reporter: %s", role);
}
