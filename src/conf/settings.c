/* SPDX-License-Identifier: MIT
 *
 * Settings: loading, checking, showing and comparing them.  A struct settings
 * owns its texts and lists.  The master calls it at start and at a reload, the
 * daemon's check and dump modes as well; it touches nothing but the files it
 * reads.  Errors are written to the stream given, all of a file in one go.
 */
#include "config.h"

#include "conf/settings.h"

#include "conf/conffile.h"
#include "conf/listen_spec.h"
#include "conf/option.h"
#include "conf/value.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_AUTO_MAX 4 /* the database is busy with fewer */
#define DUMP_WIDTH 40      /* where origins begin */
#define DUMP_LIST_MAX 60   /* bytes of a list that stands on one line */

/* A load on its way. */
struct load {
	struct settings *settings;
	struct complaints complaints;
	bool *wrong;         /* of each option, whether a value of it is */
	unsigned wrong_ones; /* complaints that are about values */
};

static size_t
option_index(const struct conf_option *option)
{
	return (size_t)(option - option_table);
}

/* Remember where a value comes from; says when it cannot. */
static void
origin_set(struct load *load, const struct conf_option *option,
    const char *origin, const char *more)
{
	char **place = &load->settings->origins[option_index(option)];
	char *text;

	if (asprintf(&text, "%s%s", origin, more) < 0) {
		complain(&load->complaints, origin, option->name,
		    "there is no memory");
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

static bool
origin_is_default(
    const struct settings *settings, const struct conf_option *option)
{
	return strncmp(origin_of(settings, option), "default",
		   sizeof("default") - 1) == 0;
}

static void
complain_option(struct load *load, const struct conf_option *option,
    const char *origin, const char *reason)
{
	char name[OPTION_NAME_MAX];

	option_name(option, name, sizeof(name));
	complain(&load->complaints, origin, name, "%s", reason);
}

static void
take(void *arg, const struct conf_option *option, const char *value,
    const char *origin)
{
	struct load *load = arg;
	char reason[VALUE_REASON_MAX];

	if (value_parse(
		option, load->settings, value, reason, sizeof(reason))) {
		origin_set(load, option, origin, "");
		return;
	}
	complain_option(load, option, origin, reason);
	load->wrong[option_index(option)] = true;
	load->wrong_ones++;
}

/* ------------------------------------------------- what hangs together ---- */

static bool
is_right(const struct load *load, const char *section, const char *name)
{
	return !load->wrong[option_index(option_find(section, name))];
}

/* As many workers as this process has processors to run on. */
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
	if (count < 1)
		count = 1;
	if (count > WORKERS_AUTO_MAX)
		count = WORKERS_AUTO_MAX;
	load->settings->workers = (uint64_t)count;
	origin_set(load, option, origin_of(load->settings, option), ", auto");
}

/* A number of dirty keys that the table cannot hold is never reached. */
static void
check_flush_rows(struct load *load)
{
	const struct conf_option *option = option_find("mysql", "flush_rows");
	struct settings *settings = load->settings;

	if (settings->flush_rows <= settings->table_keys)
		return;
	if (origin_is_default(settings, option)) {
		settings->flush_rows = settings->table_keys;
		origin_set(load, option, "default", ", as low as table_keys");
		return;
	}
	complain_option(load, option, origin_of(settings, option),
	    "is more than queue.table_keys, so it is never reached");
}

static bool
is_said(const char *text)
{
	return text != NULL && *text != '\0';
}

static void
check_socket(struct load *load)
{
	const struct conf_option *option = option_find("mysql", "socket");
	const struct words_list *host = &load->settings->host;

	if (!is_said(load->settings->socket))
		return;
	for (size_t i = 0; i < host->count; i++) {
		if (strcmp(host->words[i], "localhost") == 0)
			return;
	}
	complain_option(load, option, origin_of(load->settings, option),
	    "is used for localhost, which mysql.host does not name");
}

/* What is half said about TLS would be a connection that is less safe than
   somebody believes. */
static void
check_database_tls(struct load *load)
{
	const struct settings *s = load->settings;
	const char *fault = NULL, *name = "ssl_cert";
	bool has_cert = is_said(s->ssl_cert), has_key = is_said(s->ssl_key);

	if (has_cert && !has_key) {
		fault = "needs mysql.ssl_key, the key that belongs to it";
	} else if (has_cert && !is_said(s->ssl_ca) && s->ssl_verify) {
		fault = "needs mysql.ssl_ca to verify the server, or "
			"mysql.ssl_verify = off";
	} else if (has_key && !has_cert) {
		name = "ssl_key";
		fault = "needs mysql.ssl_cert, the certificate it belongs to";
	}
	if (fault != NULL) {
		const struct conf_option *option = option_find("mysql", name);

		complain_option(load, option, origin_of(s, option), fault);
	}
}

/* What is missing for this word of `listen`, or NULL. */
static const char *
listen_fault(const struct settings *settings, const struct listen_spec *spec)
{
	if (spec->proxy && settings->proxy_from.count == 0)
		return "says proxy, and limits.proxy_from names no balancer";
#ifndef HAVE_OPENSSL
	if (spec->tls)
		return "says tls, and this reporter was built without OpenSSL";
#endif
	if (spec->tls && settings->certificate[0] == '\0')
		return "says tls, and tls.certificate names no file";
	if (spec->tls && settings->key[0] == '\0')
		return "says tls, and tls.key names no file";
	return NULL;
}

/* Whether a word before number `at` has its address: with the same words
   behind it, value_parse() has seen it. */
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
	const struct conf_option *option = option_find("reporter", "listen");
	const struct words_list *listen = &load->settings->listen;
	char reason[VALUE_REASON_MAX];

	for (size_t i = 0; i < listen->count; i++) {
		struct listen_spec spec;
		const char *fault;

		listen_spec_parse(&spec, listen->words[i]);
		fault = listen_fault(load->settings, &spec);
		if (fault == NULL && listen_repeats(listen, i))
			fault = "has an address that stands there twice";
		if (fault == NULL)
			continue;
		snprintf(reason, sizeof(reason), "\"%s\" %s", listen->words[i],
		    fault);
		complain_option(
		    load, option, origin_of(load->settings, option), reason);
	}
}

/* What hangs together, where each value of it is right. */
static void
check_together(struct load *load)
{
	resolve_workers(load);
	if (is_right(load, "mysql", "flush_rows") &&
	    is_right(load, "queue", "table_keys"))
		check_flush_rows(load);
	if (is_right(load, "mysql", "socket") &&
	    is_right(load, "mysql", "host"))
		check_socket(load);
	if (is_right(load, "mysql", "ssl_ca") &&
	    is_right(load, "mysql", "ssl_cert") &&
	    is_right(load, "mysql", "ssl_key") &&
	    is_right(load, "mysql", "ssl_verify"))
		check_database_tls(load);
	if (is_right(load, "reporter", "listen") &&
	    is_right(load, "limits", "proxy_from") &&
	    is_right(load, "tls", "certificate") &&
	    is_right(load, "tls", "key"))
		check_listen(load);
}

/* ------------------------------------------------------------- loading ---- */

static bool
begin(struct load *load)
{
	load->settings = calloc(1, sizeof(*load->settings));
	if (load->settings == NULL)
		return false;
	load->settings->origins =
	    calloc(option_count, sizeof(*load->settings->origins));
	load->wrong = calloc(option_count, sizeof(*load->wrong));
	return load->settings->origins != NULL && load->wrong != NULL;
}

struct settings *
settings_load(const char *path, FILE *errors)
{
	struct load load = { .complaints = { .out = errors } };

	if (!begin(&load)) {
		complain(&load.complaints, path == NULL ? "default" : path,
		    NULL, "there is no memory");
		free(load.wrong);
		settings_free(load.settings);
		return NULL;
	}
	for (size_t i = 0; i < option_count; i++) {
		const struct conf_option *option = &option_table[i];

		take(&load, option, option->standard, "default");
	}
	if (path != NULL)
		conffile_read(path, &load.complaints, take, &load);
	/* Where a name is wrong, or a file, who knows what was to be said. */
	if (load.complaints.count == load.wrong_ones)
		check_together(&load);
	free(load.wrong);
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
		if (settings->origins != NULL)
			free(settings->origins[i]);
	}
	free(settings->origins);
	free(settings);
}

/* --------------------------------------------------------- showing it ---- */

/* A long list is written with a line for each word: lines have a limit when
   they are read again. */
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
		char name[OPTION_NAME_MAX];
		char *old_value, *new_value;

		if (value_equal(option, before, after))
			continue;
		option_name(option, name, sizeof(name));
		old_value = value_format(option, before);
		new_value = value_format(option, after);
		differs(arg, name, old_value == NULL ? "" : old_value,
		    new_value == NULL ? "" : new_value, option->live);
		free(old_value);
		free(new_value);
	}
}

/* Nothing that only a restart changes is a secret, so text tells it whole. */
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
		value_parse(option, next, value, reason, sizeof(reason));
		free(value);
	}
}
