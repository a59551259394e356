/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/complain.h"

#include <errno.h>
#include <stdarg.h>

void
complain_line(struct complaints *complaints, bool lost, int error,
    const char *where, const char *what, const char *format, ...)
{
	va_list args;

	complaints->count++;
	complaints->lost |= lost;
	complaints->shortage |=
	    error == EMFILE || error == ENFILE || error == ENOMEM;
	fprintf(complaints->out, "%s: ", where);
	if (what != NULL)
		fprintf(complaints->out, "%s: ", what);
	va_start(args, format);
	errno = error;
	vfprintf(complaints->out, format, args);
	va_end(args);
	fputc('\n', complaints->out);
}
