/* SPDX-License-Identifier: MIT
 *
 * The long options that each program has, for getopt_long(3).
 */
#pragma once

#include <getopt.h>
#include <stddef.h>

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};
