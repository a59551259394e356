/* SPDX-License-Identifier: MIT
 *
 * The check of `reporter -t`: files, as the user that reporter will run as.
 * None is opened but defaults_file and those of TLS, to read them.
 */
#include "config.h"

#include "check/inspect.h"

#include "lib/file.h"
#include "conf/option.h"
#include "conf/reload.h"
#include "lib/text.h"
#include "lib/pem.h"
#include "sql/login.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The value of an option that is a text. */
static const char *
value_of(const struct settings *settings, const char *section, const char *name)
{
	const struct conf_option *option = option_find(section, name);

	return *(const char *const *)(const void *)((const char *)settings +
						    option->offset);
}

/* Check a file of section [mysql].  Returns whether it is set, and can be
   read. */
static bool
inspect_readable(const struct settings *settings, const char *name,
    struct complaints *complaints)
{
	const char *path = value_of(settings, "mysql", name), *fault;

	if (*path == '\0')
		return false;
	fault = login_read_fault(path);
	if (fault != NULL)
		settings_complain(complaints, settings, "mysql", name,
		    "user %s cannot read %s: %s; expected a file that "
		    "reporter's user can read",
		    reload_user(), path, fault);
	return fault == NULL;
}

/* The files of the database client's TLS. */
static void
inspect_tls(const struct settings *settings, struct complaints *complaints)
{
	bool certificate = inspect_readable(settings, "ssl_cert", complaints);
	bool key = inspect_readable(settings, "ssl_key", complaints);
	enum pem_fault whose = PEM_NONE;
	char reason[PEM_REASON_MAX];
	const char *fault = NULL;
	const char *unsupported = login_unsupported(&settings->db);

	inspect_readable(settings, "server_public_key", complaints);
	if (unsupported != NULL)
		settings_complain(complaints, settings, "mysql", "ssl_verify",
		    "%s", unsupported);
	if (inspect_readable(settings, "ssl_ca", complaints))
		fault =
		    pem_check_ca(settings->db.ssl_ca, reason, sizeof(reason));
	if (fault != NULL)
		settings_complain(complaints, settings, "mysql", "ssl_ca",
		    "%s: %s; expected certificates in PEM form",
		    settings->db.ssl_ca, fault);
	/* The client library may find the key's password in defaults_file. */
	if (certificate && key)
		whose = pem_check_pair(settings->db.ssl_cert,
		    settings->db.ssl_key, *settings->db.defaults_file != '\0',
		    reason, sizeof(reason));
	if (whose != PEM_NONE)
		settings_complain(complaints, settings, "mysql",
		    whose == PEM_KEY ? "ssl_key" : "ssl_cert", "%s", reason);
}

/* Why the file cannot be written or created, or NULL. */
static const char *
write_fault(const char *path, char *text, size_t size)
{
	const char *slash = strrchr(path, '/');
	struct stat st;
	char *directory;

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return strerror(EISDIR);
		return access(path, W_OK) == 0 ? NULL : strerror(errno);
	}
	if (errno != ENOENT)
		return strerror(errno);
	directory = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (directory == NULL)
		return strerror(errno);
	int status = access(directory, W_OK | X_OK);
	snprintf(
	    text, size, "directory %.300s: %s", directory, strerror(errno));
	free(directory);
	return status == 0 ? NULL : text;
}

void
inspect_writable(const struct settings *settings, const char *section,
    const char *name, struct complaints *complaints)
{
	const char *path = value_of(settings, section, name), *fault;
	char text[400];

	fault = *path == '/' ? write_fault(path, text, sizeof(text)) : NULL;
	if (fault != NULL)
		settings_complain(complaints, settings, section, name,
		    "user %s cannot write %s: %s; expected a directory that "
		    "this user can write to",
		    reload_user(), path, fault);
}

/* ------------------------------------------------------------- secrets ---- */

/* Whether an option file of the client library sets a password. */
static bool
file_has_password(const char *path)
{
	FILE *file = login_read_fault(path) == NULL ? fopen(path, "re") : NULL;
	char *line = NULL;
	size_t size = 0;
	bool has = false;

	while (file != NULL && !has && getline(&line, &size, file) >= 0) {
		const char *text = text_trim(line);
		size_t length = strcspn(text, "= \t");

		has = length == strlen("password") &&
		      strncmp(text, "password", length) == 0;
	}
	if (line != NULL)
		explicit_bzero(line, size);
	free(line);
	if (file != NULL)
		fclose(file);
	return has;
}

/* Others may not read a file with a password, and not write any. */
static void
inspect_mode(struct complaints *complaints, const char *where, const char *name,
    const char *path, bool secret)
{
	const char *fault;
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	if (secret && (st.st_mode & S_IROTH) != 0)
		fault = "holds a password and everybody can read it";
	else if ((st.st_mode & S_IWOTH) != 0)
		fault = "can be written by everybody";
	else
		return;
	complain(complaints, where, name,
	    "%s %s (mode %04o); expected 0640 or less: chmod o= %s", path,
	    fault, (unsigned)st.st_mode & 07777, path);
}

static const char *
origin_at(const struct settings *settings, size_t at)
{
	return settings_origin(
	    settings, option_table[at].section, option_table[at].name);
}

/* Whether an origin, "file:line", is in this file. */
static bool
is_from(const char *where, const char *path)
{
	size_t length = strlen(path);

	return strncmp(where, path, length) == 0 && where[length] == ':';
}

static void
inspect_conf(const struct settings *settings, const char *path,
    const char *real, struct complaints *complaints)
{
	const char *where = settings_origin(settings, "mysql", "password");
	bool secret = settings->password && is_from(where, path);

	if (access(path, R_OK) != 0 && !file_is_behind(path, real))
		complain(complaints, path, NULL,
		    "user %s cannot read it, which a reload requires: %s; "
		    "expected mode 0640 and the group of reporter.user",
		    reload_user(), strerror(errno));
	inspect_mode(complaints, secret ? where : path,
	    secret ? "mysql.password" : NULL, path, secret);
}

/* Check each file that the value of an option comes from, once. */
static void
inspect_confs(const struct settings *settings, const char *path,
    const char *real, struct complaints *complaints)
{
	inspect_conf(settings, path, real, complaints);
	for (size_t i = 0; i < option_count; i++) {
		const char *where = origin_at(settings, i);
		const char *colon = strrchr(where, ':');
		bool known = colon == NULL || is_from(where, path);

		for (size_t j = 0; j < i && !known; j++)
			known = strncmp(origin_at(settings, j), where,
				    (size_t)(colon - where) + 1) == 0;
		if (known)
			continue;
		char *file = strndup(where, (size_t)(colon - where));
		if (file != NULL)
			inspect_conf(settings, file, file, complaints);
		free(file);
	}
}

void
inspect_files(const struct settings *settings, const char *path,
    const char *real, struct complaints *complaints)
{
	const char *defaults = settings->db.defaults_file;

	inspect_confs(settings, path, real, complaints);
	inspect_readable(settings, "defaults_file", complaints);
	inspect_tls(settings, complaints);
	inspect_mode(complaints,
	    settings_origin(settings, "mysql", "defaults_file"),
	    "mysql.defaults_file", defaults, file_has_password(defaults));
	inspect_mode(complaints, settings_origin(settings, "mysql", "ssl_key"),
	    "mysql.ssl_key", settings->db.ssl_key, false);
	inspect_writable(settings, "mysql", "dead_letter_file", complaints);
	inspect_writable(settings, "log", "target", complaints);
}
