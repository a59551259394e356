/* SPDX-License-Identifier: MIT
 *
 * TLS for the sender.  For the tools; one thread.
 */
#pragma once

#include "config.h"

#include "send/sender.h"

#include <stdio.h>

/* Files in PEM form; NULL: not given. */
struct tls_client_files {
	const char *ca;          /* to verify the server; NULL: the system's */
	const char *certificate; /* our own */
	const char *key;         /* NULL: it is in the file of certificate */
};

/*
 * tls_client_new - a layer for sender_secure().  insecure: do not verify the
 * server's certificate.
 * Returns NULL when a file cannot be used, or the build has no TLS: reason
 * gives what was found and what was expected.
 */
struct sender_layer *tls_client_new(const struct tls_client_files *files,
    bool insecure, char *reason, size_t size);

/* tls_client_free - NULL is allowed. */
void tls_client_free(struct sender_layer *layer);

#ifndef HAVE_OPENSSL
#define tls_client_new(files, insecure, reason, size) \
	(snprintf(reason, size, \
	     "--tls: this reporter-send was built without OpenSSL"), \
	    NULL)
#define tls_client_free(layer) ((void)(layer))
#endif
