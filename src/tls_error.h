/* SPDX-License-Identifier: MIT
 *
 * What OpenSSL says of a failure, as a text for people.  Pure functions.
 */
#ifndef REPORTER_TLS_ERROR_H
#define REPORTER_TLS_ERROR_H

#include <openssl/ssl.h>
#include <stddef.h>

#define TLS_ERROR_MAX 256 /* bytes of a text, with the 0 */

/* tls_error_text - an error of OpenSSL's queue. */
const char *tls_error_text(unsigned long error, char *text, size_t size);

/* tls_verify_text - likewise; of a certificate that was not accepted it says
   what is wrong with it. */
const char *tls_verify_text(
    const SSL *ssl, unsigned long error, char *text, size_t size);

#endif
