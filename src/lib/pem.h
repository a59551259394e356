/* SPDX-License-Identifier: MIT
 *
 * OpenSSL: whether TLS can use the certificates and keys in PEM files, and the
 * texts of its errors.  Any process; OpenSSL's queue of errors is the calling
 * thread's, and the functions that take a file leave it empty.
 */
#pragma once

#include "config.h"

#include <stdbool.h>
#include <stddef.h>

#define PEM_REASON_MAX 512 /* bytes of a reason, with the 0 */
#define TLS_ERROR_MAX 256  /* bytes of the text of an error, with the 0 */

/* Whose fault it is that a certificate cannot be shown to others. */
enum pem_fault {
	PEM_NONE,
	PEM_CERTIFICATE,
	PEM_KEY
};

#ifdef HAVE_OPENSSL

#include <openssl/ssl.h>

/* tls_verify_text - write the text of an error of OpenSSL's queue into `text`
   (size bytes), with the reason if a certificate was not accepted.  Returns
   `text`. */
const char *tls_verify_text(
    const SSL *ssl, unsigned long error, char *text, size_t size);

/* tls_file_wrong - set reason to "FILE: ERROR; expected WHAT", with the first
   error of OpenSSL's queue.  Returns false. */
bool tls_file_wrong(
    const char *file, const char *expected, char *reason, size_t size);

/* pem_use_pair - have the context show a certificate, and its key, which must
   have no password.  On a fault the reason (of size bytes) is "FILE: WHY;
   expected WHAT". */
enum pem_fault pem_use_pair(SSL_CTX *context, const char *certificate,
    const char *key, char *reason, size_t size);

/* pem_check_pair - whether pem_use_pair() would succeed.  locked: the key may
   have a password. */
enum pem_fault pem_check_pair(const char *certificate, const char *key,
    bool locked, char *reason, size_t size);

/* pem_check_ca - why the certificates in a file cannot be used to verify
   others, in `text`, which has size bytes; or NULL. */
const char *pem_check_ca(const char *file, char *text, size_t size);

#else /* without OpenSSL no fault is found */

#define pem_check_pair(certificate, key, locked, reason, size) PEM_NONE
#define pem_check_ca(file, text, size) NULL

#endif
