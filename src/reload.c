/* SPDX-License-Identifier: MIT
 *
 * The reload.  Owns nothing: settings are passed in and handed out.  Called by
 * the master's loop; errors are logged and returned.
 */
#include "config.h"

#include "reload.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Log what settings_load() said, line by line. */
static void
errors_log(char *text)
{
	char *rest = text;

	for (char *line; (line = strsep(&rest, "\n")) != NULL;)
		if (*line != '\0')
			log_error("%s", line);
}

static void
restart_log(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live)
{
	(void)arg;
	if (live == OPTION_RESTART)
		log_warn("%s: %s is to become %s: that needs a restart", name,
		    old_value, new_value);
}

struct settings *
reload_load(const char *path, const struct settings *now)
{
	char *text = NULL;
	size_t size;
	FILE *errors;
	struct stat st;

	/* Somebody is just writing it anew: not the time to take all the
	   defaults. */
	if (stat(path, &st) == 0 && st.st_size == 0) {
		log_error("%s: the file is empty", path);
		return NULL;
	}
	errors = open_memstream(&text, &size);
	if (errors == NULL)
		return NULL;
	struct settings *next = settings_load(path, errors);
	fclose(errors);
	errors_log(text);
	free(text);
	if (next == NULL)
		return NULL;
	settings_compare(now, next, restart_log, NULL);
	settings_keep(next, now);
	return next;
}

static void
plan_add(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live)
{
	struct reload_plan *plan = arg;

	log_info("%s: %s becomes %s", name, old_value, new_value);
	plan->workers |= live == OPTION_WORKERS;
	plan->queue |= live == OPTION_QUEUE;
}

struct reload_plan
reload_compare(const struct settings *before, const struct settings *after)
{
	struct reload_plan plan = { false, false };

	settings_compare(before, after, plan_add, &plan);
	return plan;
}
