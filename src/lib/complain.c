/* SPDX-License-Identifier: MIT
 *
 * What is wrong with a configuration.  Owns nothing; any process and thread
 * may call it; it does not fail.
 */
#include "config.h"

#include "lib/complain.h"

#include <stdarg.h>

void
complain(struct complaints *complaints, const char *where, const char *what,
    const char *format, ...)
{
	va_list args;

	complaints->count++;
	fprintf(complaints->out, "%s: ", where);
	if (what != NULL)
		fprintf(complaints->out, "%s: ", what);
	va_start(args, format);
	vfprintf(complaints->out, format, args);
	va_end(args);
	fputc('\n', complaints->out);
}
