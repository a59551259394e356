/* SPDX-License-Identifier: MIT
 *
 * Certificates at start and at a reload.  For the master, and the check of a
 * configuration.
 */
#pragma once

#include "edge/tls.h"

/* tls_load - read the certificates, if a listener of these settings has TLS.
   *tls: the caller's, NULL when none has.  Returns 0, or -1 when they cannot be
   used; *option and reason say why, as of tls_new(). */
int tls_load(const struct settings *settings, struct tls **tls,
    const char **option, char *reason, size_t size);

/* tls_load_logged - the same, and log the reason. */
int tls_load_logged(const struct settings *settings, struct tls **tls);

/* tls_warn_of_key - log a warning if this process, by now of the configured
   user, cannot read the key for a reload. */
void tls_warn_of_key(const struct settings *settings);
