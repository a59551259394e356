/* SPDX-License-Identifier: MIT
 *
 * Texts of errors of OpenSSL.  Any process; each thread has its own queue of
 * errors.
 */
#ifndef REPORTER_TLS_ERROR_H
#define REPORTER_TLS_ERROR_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define TLS_ERROR_MAX 256 /* bytes of a text, with the 0 */

/* tls_error_text - the text of an error of OpenSSL's queue. */
const char *tls_error_text(unsigned long error, char *text, size_t size);

/* tls_verify_text - likewise, with the reason why a certificate was not
   accepted. */
const char *tls_verify_text(
    const SSL *ssl, unsigned long error, char *text, size_t size);

/* tls_file_wrong - set reason to "FILE: ERROR; expected WHAT", with the first
   error of OpenSSL's queue, which is then emptied.  Returns false. */
bool tls_file_wrong(
    const char *file, const char *expected, char *reason, size_t size);

#endif
