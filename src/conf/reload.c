/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "conf/reload.h"
#include "lib/file.h"
#include "lib/log.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int
reload_log(const struct settings *settings)
{
	if (log_open(
		settings->log_target, (enum log_level)settings->log_level) == 0)
		return 0;
	log_error("cannot open log %s: %m", settings->log_target);
	return -1;
}

/* Load, and log all errors. */
static struct settings *
load_logged(const char *path)
{
	char *text = NULL;
	size_t size;
	FILE *errors = open_memstream(&text, &size);

	if (errors == NULL) {
		log_error("cannot read %s: %m", path);
		return NULL;
	}
	struct settings *settings = settings_load(path, errors);
	fclose(errors);
	log_error_lines(text);
	free(text);
	return settings;
}

struct settings *
reload_load(const char *path)
{
	struct stat st;

	/* It is just being rewritten: do not switch to the defaults. */
	if (stat(path, &st) == 0 && st.st_size == 0) {
		log_error("cannot load %s: file is empty", path);
		return NULL;
	}
	return load_logged(path);
}

/* ----------------------------------------------------------- rehearsal --- */

const char *
reload_user(void)
{
	static char number[16];
	const struct passwd *pw = getpwuid(geteuid());

	snprintf(number, sizeof(number), "%u", (unsigned)geteuid());
	return pw == NULL ? number : pw->pw_name;
}

const char *
reload_path(const char *path, char *real)
{
	if (real == NULL || !file_is_behind(path, real)) {
		free(real);
		return path;
	}
	log_warn("user %s cannot access %s; using the resolved path, so "
		 "changed symbolic links are not noticed at a reload",
	    reload_user(), path);
	return real;
}

static void
differs_log(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live)
{
	unsigned *count = arg;

	(void)live;
	log_error("%s is \"%s\" at startup, but \"%s\" when read by user %s: "
		  "an included file may be unreadable for this user",
	    name, old_value, new_value, reload_user());
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
	log_error("%s and the files it includes must be readable by user %s, "
		  "for workers and reloads: run chown root:GROUP, with a group "
		  "of this user, and chmod 0640",
	    path, reload_user());
	return -1;
}
