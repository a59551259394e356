/* SPDX-License-Identifier: MIT
 *
 * The check of `reporter -t`: files, looked at by the user that reporter will
 * run as.  Owns nothing; opens no file but defaults_file and those of TLS, to
 * read them.
 */
#include "config.h"

#include "check/inspect.h"

#include "lib/file.h"
#include "conf/option.h"
#include "lib/text.h"
#include "lib/pem.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where an option's value lies that is a path. */
struct path_option {
	const char *section, *name;
};

/* The name of the user that we are, or the number of one without a name. */
static const char *
who(void)
{
	static char number[16];
	const struct passwd *pw = getpwuid(geteuid());

	snprintf(number, sizeof(number), "%u", (unsigned)geteuid());
	return pw == NULL ? number : pw->pw_name;
}

static const char *
value_of(const struct settings *settings, const struct path_option *at)
{
	const struct conf_option *option = option_find(at->section, at->name);

	return *(char *const *)(const void *)((const char *)settings +
					      option->offset);
}

static bool
is_regular(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* What keeps us from reading the file; NULL: nothing. */
static const char *
read_fault(const char *path)
{
	if (access(path, R_OK) != 0)
		return strerror(errno);
	return is_regular(path) ? NULL : "it is no regular file";
}

static void
inspect_readable(const struct settings *settings, struct complaints *complaints)
{
	static const struct path_option files[] = {
		{ "mysql", "defaults_file" },
		{ "mysql", "ssl_ca" },
		{ "mysql", "ssl_cert" },
		{ "mysql", "ssl_key" },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		const char *path = value_of(settings, &files[i]);
		const char *fault = *path == '\0' ? NULL : read_fault(path);

		if (fault != NULL)
			inspect_option(complaints, settings, files[i].section,
			    files[i].name,
			    "%s cannot be read by user %s: %s; expected a "
			    "file that reporter's user can read",
			    path, who(), fault);
	}
}

/* What no server's certificate could be verified by. */
static void
inspect_authority(
    const struct settings *settings, struct complaints *complaints)
{
	const char *path = settings->ssl_ca, *fault;
	char text[PEM_REASON_MAX];

	if (*path == '\0' || read_fault(path) != NULL)
		return;
	fault = pem_check_ca(path, text, sizeof(text));
	if (fault != NULL)
		inspect_option(complaints, settings, "mysql", "ssl_ca",
		    "%s: %s; expected certificates in PEM form", path, fault);
}

/* What cannot be shown to a server that asks for it. */
static void
inspect_pair(const struct settings *settings, struct complaints *complaints)
{
	const char *certificate = settings->ssl_cert, *key = settings->ssl_key;
	char reason[PEM_REASON_MAX];
	enum pem_fault fault;

	if (*certificate == '\0' || read_fault(certificate) != NULL ||
	    read_fault(key) != NULL)
		return;
	/* The client library may find the key's password there. */
	fault = pem_check_pair(certificate, key,
	    *settings->defaults_file != '\0', reason, sizeof(reason));
	if (fault != PEM_NONE)
		inspect_option(complaints, settings, "mysql",
		    fault == PEM_KEY ? "ssl_key" : "ssl_cert", "%s", reason);
}

/* What keeps us from writing to the file, or making it; NULL: nothing. */
static const char *
write_fault(const char *path, char *text, size_t size)
{
	const char *slash = strrchr(path, '/');
	struct stat st;
	char *folder;
	int status;

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return "it is a folder";
		return access(path, W_OK) == 0 ? NULL : strerror(errno);
	}
	if (errno != ENOENT)
		return strerror(errno);
	folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (folder == NULL)
		return strerror(errno);
	status = access(folder, W_OK | X_OK);
	snprintf(text, size, "folder %.300s: %s", folder, strerror(errno));
	free(folder);
	return status == 0 ? NULL : text;
}

/* The option's value, if it is a path, is one that can be written to. */
static void
inspect_writable(const struct settings *settings, struct complaints *complaints,
    const struct path_option *at)
{
	const char *path = value_of(settings, at), *fault;
	char text[400];

	if (*path != '/')
		return;
	fault = write_fault(path, text, sizeof(text));
	if (fault != NULL)
		inspect_option(complaints, settings, at->section, at->name,
		    "%s cannot be written by user %s: %s; expected a folder "
		    "that this user can write to",
		    path, who(), fault);
}

void
inspect_pid_file(const struct settings *settings, struct complaints *complaints)
{
	static const struct path_option file = { "reporter", "pid_file" };

	inspect_writable(settings, complaints, &file);
}

/* ------------------------------------------------------------- secrets ---- */

/* A line of an option file that gives a password. */
static bool
line_has_password(char *line)
{
	char *text = text_trim(line);
	size_t length = strcspn(text, "= \t");

	return length == strlen("password") &&
	       strncmp(text, "password", length) == 0;
}

static bool
file_has_password(const char *path)
{
	FILE *file = is_regular(path) ? fopen(path, "re") : NULL;
	char *line = NULL;
	size_t size = 0;
	bool has = false;

	while (file != NULL && !has && getline(&line, &size, file) >= 0)
		has = line_has_password(line);
	if (line != NULL)
		explicit_bzero(line, size);
	free(line);
	if (file != NULL)
		fclose(file);
	return has;
}

/* A file that holds a password, or says what is run: nobody else reads the
   one or writes to the other. */
static void
inspect_mode(struct complaints *complaints, const char *where, const char *name,
    const char *path, bool secret)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	if (secret && (st.st_mode & S_IROTH) != 0)
		complain(complaints, where, name,
		    "%s holds a password and everybody can read it (mode "
		    "%04o); expected 0640 or less: chmod o= %s",
		    path, (unsigned)st.st_mode & 07777, path);
	else if ((st.st_mode & S_IWOTH) != 0)
		complain(complaints, where, name,
		    "everybody can write to %s (mode %04o); expected 0640 or "
		    "less: chmod o= %s",
		    path, (unsigned)st.st_mode & 07777, path);
}

static const char *
origin_at(const struct settings *settings, size_t at)
{
	return settings_origin(
	    settings, option_table[at].section, option_table[at].name);
}

/* Whether an origin, "file:line", is of this file. */
static bool
is_from(const char *where, const char *path)
{
	size_t length = strlen(path);

	return strncmp(where, path, length) == 0 && where[length] == ':';
}

/* A file of the configuration itself: a reload reads it again. */
static void
inspect_conf(const struct settings *settings, const char *path,
    const char *real, struct complaints *complaints)
{
	const char *where = settings_origin(settings, "mysql", "password");
	bool secret = settings->password && is_from(where, path);

	if (access(path, R_OK) != 0 && !file_is_behind(path, real))
		complain(complaints, path, NULL,
		    "user %s cannot read it, and a reload must: %s; expected "
		    "mode 0640 and the group of reporter.user",
		    who(), strerror(errno));
	inspect_mode(complaints, secret ? where : path,
	    secret ? "mysql.password" : NULL, path, secret);
}

/* Each file that an option's value comes from, once. */
static void
inspect_confs(const struct settings *settings, const char *path,
    const char *real, struct complaints *complaints)
{
	inspect_conf(settings, path, real, complaints);
	for (size_t i = 0; i < option_count; i++) {
		const char *where = origin_at(settings, i);
		const char *colon = strrchr(where, ':');
		bool known = colon == NULL || is_from(where, path);
		char *file;

		for (size_t j = 0; j < i && !known; j++)
			known = strncmp(origin_at(settings, j), where,
				    (size_t)(colon - where) + 1) == 0;
		if (known)
			continue;
		file = strndup(where, (size_t)(colon - where));
		if (file != NULL)
			inspect_conf(settings, file, file, complaints);
		free(file);
	}
}

void
inspect_files(const struct settings *settings, const char *path,
    const char *real, struct complaints *complaints)
{
	static const struct path_option dead_letter_file = { "mysql",
		"dead_letter_file" };
	static const struct path_option log_target = { "log", "target" };
	const char *file = settings->defaults_file;

	inspect_confs(settings, path, real, complaints);
	inspect_readable(settings, complaints);
	inspect_authority(settings, complaints);
	inspect_pair(settings, complaints);
	if (*file != '\0')
		inspect_mode(complaints,
		    settings_origin(settings, "mysql", "defaults_file"),
		    "mysql.defaults_file", file, file_has_password(file));
	if (settings->ssl_key[0] != '\0')
		inspect_mode(complaints,
		    settings_origin(settings, "mysql", "ssl_key"),
		    "mysql.ssl_key", settings->ssl_key, false);
	inspect_writable(settings, complaints, &dead_letter_file);
	inspect_writable(settings, complaints, &log_target);
}
