/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "edge/tls_load.h"
#include "lib/file.h"
#include "lib/address.h"
#include "lib/log.h"

#include <unistd.h>

static bool
tls_wanted(const struct settings *settings)
{
	struct listen_spec spec;

	for (size_t i = 0; i < settings->listen.count; i++) {
		listen_spec_parse(&spec, settings->listen.words[i]);
		if (spec.tls)
			return true;
	}
	return false;
}

/* OpenSSL would wait for these files forever, and the master with it. */
static bool
tls_files_end(const struct settings *settings, const char **option,
    char *reason, size_t size)
{
	const struct {
		const char *option, *file;
	} files[] = {
		{ "certificate", settings->certificate },
		{ "key", settings->key },
		{ "client_ca", settings->client_ca },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (!file_is_endless(files[i].file))
			continue;
		*option = files[i].option;
		snprintf(reason, size,
		    "%s: not a regular file; expected one in PEM form",
		    files[i].file);
		return false;
	}
	return true;
}

int
tls_load(const struct settings *settings, struct tls **tls, const char **option,
    char *reason, size_t size)
{
	*tls = NULL;
	if (!tls_wanted(settings))
		return 0;
	if (!tls_files_end(settings, option, reason, size))
		return -1;
	*tls = tls_new(settings, option, reason, size);
	return *tls == NULL ? -1 : 0;
}

int
tls_load_logged(const struct settings *settings, struct tls **tls)
{
	char reason[TLS_REASON_MAX];
	const char *option;

	if (tls_load(settings, tls, &option, reason, sizeof(reason)) == 0)
		return 0;
	log_error("tls.%s: %s", option, reason);
	return -1;
}

void
tls_warn_of_key(const struct settings *settings)
{
	if (tls_wanted(settings) && eaccess(settings->key, R_OK) < 0)
		log_warn("tls.key: %s: %m for the user that reporter runs as; "
			 "a reload will fail until it can be read",
		    settings->key);
}
