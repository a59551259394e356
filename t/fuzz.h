/* SPDX-License-Identifier: MIT
 *
 * What the fuzz targets (fuzz_*.c) have in common.  Each is one
 * LLVMFuzzerTestOneInput(), which libFuzzer, AFL++ or fuzz_main.c calls with
 * bytes of any kind.  It ends the process when something is wrong, and keeps
 * nothing from one call to the next that could change what the next one does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* FUZZ_CHECK - end the process, saying what does not hold.  Not assert(): it
   holds in every build. */
#define FUZZ_CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", \
			    __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)
