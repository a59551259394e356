/* SPDX-License-Identifier: MIT
 *
 * The reload.  Owns nothing: settings are passed in and handed out.  Called by
 * the master's loop; errors are logged and returned.
 */
#include "config.h"

#include "conf/reload.h"
#include "lib/file.h"
#include "lib/log.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Load, and log what is wrong. */
static struct settings *
load_logged(const char *path)
{
	char *text = NULL;
	size_t size;
	FILE *errors = open_memstream(&text, &size);

	if (errors == NULL) {
		log_error("%s cannot be read: %s", path, strerror(errno));
		return NULL;
	}
	struct settings *settings = settings_load(path, errors);
	fclose(errors);
	log_error_lines(text);
	free(text);
	return settings;
}

/* A value as a line of the log shows it. */
static const char *
shown(const char *value)
{
	return *value == '\0' ? "nothing" : value;
}

static void
restart_log(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live)
{
	(void)arg;
	if (live == OPTION_RESTART)
		log_warn("%s: %s is to become %s: that needs a restart", name,
		    shown(old_value), shown(new_value));
}

struct settings *
reload_load(const char *path, const struct settings *now)
{
	struct stat st;

	/* Somebody is just writing it anew: not the time to take all the
	   defaults. */
	if (stat(path, &st) == 0 && st.st_size == 0) {
		log_error("%s: the file is empty", path);
		return NULL;
	}
	struct settings *next = load_logged(path);
	if (next == NULL)
		return NULL;
	settings_compare(now, next, restart_log, NULL);
	settings_keep(next, now);
	return next;
}

/* ----------------------------------------------------------- rehearsal --- */

static const char *
own_name(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw == NULL ? "(nameless)" : pw->pw_name;
}

const char *
reload_path(const char *path, char *real)
{
	if (real == NULL || !file_is_behind(path, real)) {
		free(real);
		return path;
	}
	log_warn("%s cannot be reached by user %s: symbolic links in it are "
		 "not followed again",
	    path, own_name());
	return real;
}

static void
differs_log(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live)
{
	unsigned *count = arg;

	(void)live;
	log_error("%s: \"%s\" at the start, \"%s\" when read by user %s: is "
		  "a file that is included hidden from it?",
	    name, old_value, new_value, own_name());
	++*count;
}

int
reload_rehearse(const char *path, const struct settings *now)
{
	struct settings *again = load_logged(path);
	unsigned differences = 0;

	if (again != NULL)
		settings_compare(now, again, differs_log, &differences);
	settings_free(again);
	if (again != NULL && differences == 0)
		return 0;
	log_error("%s and what it includes must be readable by user %s, who "
		  "reads it again for each worker and each reload: chown "
		  "root:GROUP, with a group of that user's, and chmod 0640",
	    path, own_name());
	return -1;
}

/* ---------------------------------------------------------------- plan --- */

static void
plan_add(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live)
{
	struct reload_plan *plan = arg;

	(void)name;
	(void)old_value;
	(void)new_value;
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

static void
change_log(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live)
{
	(void)arg;
	(void)live;
	log_info("%s: %s becomes %s", name, shown(old_value), shown(new_value));
}

void
reload_tell(const struct settings *before, const struct settings *after)
{
	settings_compare(before, after, change_log, NULL);
}
