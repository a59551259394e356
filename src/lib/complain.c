/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/complain.h"

#include <errno.h>
#include <stdarg.h>

static void __attribute__((format(printf, 4, 0)))
complain_args(struct complaints *complaints, const char *where,
    const char *what, const char *format, va_list args)
{
	complaints->count++;
	fprintf(complaints->out, "%s: ", where);
	if (what != NULL)
		fprintf(complaints->out, "%s: ", what);
	vfprintf(complaints->out, format, args);
	fputc('\n', complaints->out);
}

void
complain(struct complaints *complaints, const char *where, const char *what,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain_args(complaints, where, what, format, args);
	va_end(args);
}

void
complain_lost(struct complaints *complaints, const char *where,
    const char *what, int error, const char *format, ...)
{
	va_list args;

	complaints->lost = true;
	complaints->shortage |=
	    error == EMFILE || error == ENFILE || error == ENOMEM;
	va_start(args, format);
	errno = error;
	complain_args(complaints, where, what, format, args);
	va_end(args);
}
