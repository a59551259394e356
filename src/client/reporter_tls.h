/* SPDX-License-Identifier: MIT
 *
 * libreporter-tls: TLS for libreporter.  See reporter_client(3).
 */
#ifndef REPORTER_TLS_H
#define REPORTER_TLS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct reporter_transport;

/* Set size, and to zero what has no value.  Files are in PEM form. */
struct reporter_tls_options {
	size_t size;    /* sizeof(struct reporter_tls_options) */
	const char *ca; /* to verify the reporter; NULL: the system's */
	const char *certificate; /* our own; NULL: none */
	const char *key;         /* NULL: it is in the file of certificate */
	int insecure;            /* do not verify the reporter */
};

/* reporter_tls_new - for the transport of reporter_open(), any number of times;
   it must outlive those clients.
   Returns NULL when a file cannot be used; then reason (of size bytes) has the
   option, what was found, and what was expected. */
struct reporter_transport *reporter_tls_new(
    const struct reporter_tls_options *options, char *reason, size_t size);

/* reporter_tls_free - NULL is allowed. */
void reporter_tls_free(struct reporter_transport *transport);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
