/* SPDX-License-Identifier: MIT
 *
 * Complaints about the value of an option.
 */
#include "config.h"

#include "check/inspect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
inspect_option(struct complaints *complaints, const struct settings *settings,
    const char *section, const char *name, const char *format, ...)
{
	char full[64], *text;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	snprintf(full, sizeof(full), "%s.%s", section, name);
	complain(complaints, settings_origin(settings, section, name), full,
	    "%s", text == NULL ? "out of memory" : text);
	free(text);
}
