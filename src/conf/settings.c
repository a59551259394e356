/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "conf/settings.h"

#include "lib/address.h"
#include "conf/option.h"
#include "sql/db.h"

#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_AUTO_MAX 4  /* the database is busy with fewer */
#define RETENTION_MIN 60000 /* ms */
#define DUMP_WIDTH 40       /* where origins begin */
#define DUMP_LIST_MAX 60    /* bytes of a list on one line */

struct load {
	struct settings *settings;
	struct complaints complaints;
	bool invalid[OPTIONS_MAX]; /* of each option: a value of it is */
	unsigned invalid_count;    /* complaints that are about values */
};

static size_t
option_index(const struct conf_option *option)
{
	return (size_t)(option - option_table);
}

/* Keep where a value comes from. */
static void
origin_set(struct load *load, const struct conf_option *option,
    const char *origin, const char *more)
{
	char **place = &load->settings->origins[option_index(option)];
	char *text;

	if (asprintf(&text, "%s%s", origin, more) < 0) {
		complain(
		    &load->complaints, origin, option->name, "out of memory");
		return;
	}
	free(*place);
	*place = text;
}

static const char *
origin_of(const struct settings *settings, const struct conf_option *option)
{
	const char *origin = settings->origins[option_index(option)];

	return origin == NULL ? "default" : origin;
}

const char *
settings_origin(
    const struct settings *settings, const char *section, const char *name)
{
	return origin_of(settings, option_find(section, name));
}

static void
take(void *arg, const struct conf_option *option, const char *value,
    const char *origin)
{
	struct load *load = arg;
	char reason[VALUE_REASON_MAX];

	if (value_parse(option, load->settings, value, reason)) {
		origin_set(load, option, origin, "");
		return;
	}
	complain(&load->complaints, origin, option->full, "%s", reason);
	load->invalid[option_index(option)] = true;
	load->invalid_count++;
}

/* ---------------------------------------------- checks across options ---- */

void
settings_complain(struct complaints *complaints,
    const struct settings *settings, const char *section, const char *name,
    const char *format, ...)
{
	char full[OPTION_NAME_MAX], *text;
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

#define fault(load, section, name, ...) \
	settings_complain( \
	    &(load)->complaints, (load)->settings, section, name, __VA_ARGS__)

static bool
is_valid(const struct load *load, const char *section, const char *name)
{
	return !load->invalid[option_index(option_find(section, name))];
}

/* One worker for each CPU that this process may run on, at most four. */
static void
resolve_workers(struct load *load)
{
	const struct conf_option *option = option_find("reporter", "workers");
	cpu_set_t cpus;
	int count = 1;

	if (load->settings->workers != 0)
		return;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		count = CPU_COUNT(&cpus);
	if (count > WORKERS_AUTO_MAX)
		count = WORKERS_AUTO_MAX;
	load->settings->workers = (uint64_t)count;
	origin_set(load, option, origin_of(load->settings, option), ", auto");
}

/* A row that is reported all the time must not look old. */
static void
check_retention(struct load *load)
{
	const struct settings *settings = load->settings;

	if (settings->retention > 0 &&
	    (settings->retention < RETENTION_MIN ||
		settings->retention < 2 * settings->flush_interval))
		fault(load, "mysql", "retention",
		    "is too short; expected 0, or at least 1min and twice "
		    "mysql.flush_interval");
}

static void
check_socket(struct load *load)
{
	const struct words_list *host = &load->settings->host;

	if (*load->settings->db.socket == '\0')
		return;
	for (size_t i = 0; i < host->count; i++) {
		if (strcmp(host->words[i], "localhost") == 0)
			return;
	}
	fault(load, "mysql", "socket",
	    "is for localhost, which mysql.host does not contain");
}

/* With half of the TLS options the connection would be less safe than the
   administrator believes. */
static void
check_database_tls(struct load *load)
{
	const struct settings *s = load->settings;
	bool has_cert = *s->db.ssl_cert != '\0',
	     has_key = *s->db.ssl_key != '\0';

	if (has_cert && !has_key)
		fault(load, "mysql", "ssl_cert", "requires mysql.ssl_key");
	else if (s->db.ssl_verify == DB_VERIFY_CA && *s->db.ssl_ca == '\0')
		fault(load, "mysql", "ssl_verify", "requires mysql.ssl_ca");
	else if (has_cert && *s->db.ssl_ca == '\0' &&
		 s->db.ssl_verify != DB_VERIFY_OFF)
		fault(load, "mysql", "ssl_cert",
		    "requires mysql.ssl_ca to verify the server, or "
		    "mysql.ssl_verify = off");
	else if (has_key && !has_cert)
		fault(load, "mysql", "ssl_key", "requires mysql.ssl_cert");
}

/* What is missing for this entry of `listen`, or NULL. */
static const char *
listen_fault(const struct settings *settings, const struct listen_spec *spec)
{
	if (spec->proxy && settings->proxy_from.count == 0)
		return "uses proxy, but limits.proxy_from is empty";
#ifndef HAVE_OPENSSL
	if (spec->tls)
		return "uses tls, but reporter was built without OpenSSL";
#endif
	if (spec->tls && settings->certificate[0] == '\0')
		return "uses tls, but tls.certificate is empty";
	if (spec->tls && settings->key[0] == '\0')
		return "uses tls, but tls.key is empty";
	return NULL;
}

/* Whether an entry before number `at` has its address: with the same keywords
   value_parse() has refused it. */
static bool
listen_repeats(const struct words_list *listen, size_t at)
{
	struct listen_spec spec, other;

	listen_spec_parse(&spec, listen->words[at]);
	for (size_t i = 0; i < at; i++) {
		listen_spec_parse(&other, listen->words[i]);
		if (strcmp(other.address, spec.address) == 0)
			return true;
	}
	return false;
}

static void
check_listen(struct load *load)
{
	const struct words_list *listen = &load->settings->listen;

	for (size_t i = 0; i < listen->count; i++) {
		struct listen_spec spec;
		const char *why;

		listen_spec_parse(&spec, listen->words[i]);
		why = listen_fault(load->settings, &spec);
		if (why == NULL && listen_repeats(listen, i))
			why = "has an address that is listed before";
		if (why != NULL)
			fault(load, "reporter", "listen", "\"%s\" %s",
			    listen->words[i], why);
	}
}

/* Check what depends on several options, if all of them are valid. */
static void
check_together(struct load *load)
{
	resolve_workers(load);
	if (is_valid(load, "mysql", "retention") &&
	    is_valid(load, "mysql", "flush_interval"))
		check_retention(load);
	if (is_valid(load, "mysql", "socket") &&
	    is_valid(load, "mysql", "host"))
		check_socket(load);
	if (is_valid(load, "mysql", "ssl_ca") &&
	    is_valid(load, "mysql", "ssl_cert") &&
	    is_valid(load, "mysql", "ssl_key") &&
	    is_valid(load, "mysql", "ssl_verify"))
		check_database_tls(load);
	if (is_valid(load, "reporter", "listen") &&
	    is_valid(load, "limits", "proxy_from") &&
	    is_valid(load, "tls", "certificate") &&
	    is_valid(load, "tls", "key"))
		check_listen(load);
}

/* ------------------------------------------------------------- loading ---- */

static bool
make_prefixes(struct prefix_list *list, const struct words_list *words)
{
	return prefix_list_make(list, words->words, words->count) == 0;
}

struct settings *
settings_load(const char *path, FILE *errors)
{
	struct load load = { .complaints = { .out = errors },
		.settings = calloc(1, sizeof(*load.settings)) };

	if (load.settings == NULL) {
		complain(&load.complaints, path == NULL ? "default" : path,
		    NULL, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < option_count; i++) {
		const struct conf_option *option = &option_table[i];

		take(&load, option, option->initial, "default");
	}
	if (path != NULL)
		conffile_read(path, &load.complaints, take, &load);
	/* An unknown name or an unreadable file may have been what these checks
	   would miss. */
	if (load.complaints.count == load.invalid_count)
		check_together(&load);
	if (load.complaints.count == 0 &&
	    !(make_prefixes(&load.settings->allowed, &load.settings->allow) &&
		make_prefixes(&load.settings->denied, &load.settings->deny) &&
		make_prefixes(
		    &load.settings->balancers, &load.settings->proxy_from)))
		complain(&load.complaints, "limits", NULL, "out of memory");
	if (load.complaints.count > 0) {
		settings_free(load.settings);
		return NULL;
	}
	return load.settings;
}

void
settings_free(struct settings *settings)
{
	if (settings == NULL)
		return;
	for (size_t i = 0; i < option_count; i++) {
		value_free(&option_table[i], settings);
		free(settings->origins[i]);
	}
	prefix_list_free(&settings->allowed);
	prefix_list_free(&settings->denied);
	prefix_list_free(&settings->balancers);
	free(settings);
}

/* ---------------------------------------------------------------- uses ---- */

struct db_options
db_settings(const struct settings *s)
{
	struct db_options options = s->db;

	options.hosts = s->host.words;
	options.max_rows =
	    s->flush_rows < DB_ROWS_MAX ? (size_t)s->flush_rows : DB_ROWS_MAX;
	options.text_only = s->bulk == BULK_OFF;
	options.removes = s->retention > 0;
	return options;
}

/* ------------------------------------------------- dumping, comparing ---- */

/* A long list is written with one entry on each line. */
static int
dump_value(const struct conf_option *option, const char *value, FILE *out)
{
	if (option->type != OPTION_LIST || strlen(value) < DUMP_LIST_MAX)
		return fprintf(out, "%s", value);
	for (; *value != '\0'; value++) {
		fputc(*value, out);
		if (*value == ',')
			fputs("\n\t", out);
		if (*value == ',' && value[1] == ' ')
			value++;
	}
	return DUMP_WIDTH;
}

static void
dump_option(const struct settings *settings, const struct conf_option *option,
    FILE *out)
{
	char *value = value_format(option, settings);
	const char *hide = option->type == OPTION_SECRET ? "# " : "";
	int width;

	width = fprintf(out, "%s%s =%s", hide, option->name,
	    value == NULL || *value == '\0' ? "" : " ");
	if (value != NULL)
		width += dump_value(option, value, out);
	fprintf(out, "%*s # %s\n", width < DUMP_WIDTH ? DUMP_WIDTH - width : 0,
	    "", origin_of(settings, option));
	free(value);
}

void
settings_dump(const struct settings *settings, FILE *out)
{
	const char *section = "";

	for (size_t i = 0; i < option_count; i++) {
		const struct conf_option *option = &option_table[i];

		if (strcmp(section, option->section) != 0) {
			fprintf(out, "%s[%s]\n", i == 0 ? "" : "\n",
			    option->section);
			section = option->section;
		}
		dump_option(settings, option, out);
	}
}

void
settings_compare(const struct settings *before, const struct settings *after,
    void (*differs)(void *arg, const char *name, const char *old_value,
	const char *new_value, enum option_live live),
    void *arg)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct conf_option *option = &option_table[i];
		char *old_value = value_format(option, before);
		char *new_value = value_format(option, after);

		/* Out of memory, it may differ. */
		if (old_value == NULL || new_value == NULL ||
		    strcmp(old_value, new_value) != 0)
			differs(arg, option->full,
			    old_value == NULL ? "" : old_value,
			    new_value == NULL ? "" : new_value, option->live);
		free(old_value);
		free(new_value);
	}
}

/* No option that requires a restart is a secret, so its text is complete. */
void
settings_keep(struct settings *next, const struct settings *now)
{
	char reason[VALUE_REASON_MAX];

	for (size_t i = 0; i < option_count; i++) {
		const struct conf_option *option = &option_table[i];
		char *value;

		if (option->live != OPTION_RESTART ||
		    (value = value_format(option, now)) == NULL)
			continue;
		value_parse(option, next, value, reason);
		free(value);
	}
}
