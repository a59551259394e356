/* SPDX-License-Identifier: MIT
 *
 * Certificates and keys in PEM files: whether TLS can use them.  Any process;
 * OpenSSL's queue of errors is the calling thread's, and empty afterwards.  A
 * build without OpenSSL finds no faults.
 */
#ifndef REPORTER_PEM_H
#define REPORTER_PEM_H

#include <stdbool.h>
#include <stddef.h>

#define PEM_REASON_MAX 512 /* bytes of a reason, with the 0 */

/* Whose fault it is that a certificate cannot be shown to others. */
enum pem_fault {
	PEM_NONE,
	PEM_CERTIFICATE,
	PEM_KEY
};

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

/*
 * pem_use_pair - have the context show a certificate, and its key, which must
 * have no password.  On a fault the reason (of size bytes) is "FILE: WHY;
 * expected WHAT".
 */
enum pem_fault pem_use_pair(struct ssl_ctx_st *context, const char *certificate,
    const char *key, char *reason, size_t size);

/* pem_check_pair - whether pem_use_pair() would succeed.  locked: the key may
   have a password. */
enum pem_fault pem_check_pair(const char *certificate, const char *key,
    bool locked, char *reason, size_t size);

/* pem_check_ca - why the certificates in a file cannot be used to verify
   others, in `text`, which has size bytes; or NULL. */
const char *pem_check_ca(const char *file, char *text, size_t size);

#endif
