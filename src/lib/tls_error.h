/* SPDX-License-Identifier: MIT
 *
 * What OpenSSL says of a failure, as a text for people.  Any process; OpenSSL's
 * queue is the calling thread's.
 */
#ifndef REPORTER_TLS_ERROR_H
#define REPORTER_TLS_ERROR_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define TLS_ERROR_MAX 256 /* bytes of a text, with the 0 */

/* tls_error_text - an error of OpenSSL's queue. */
const char *tls_error_text(unsigned long error, char *text, size_t size);

/* tls_verify_text - likewise; of a certificate that was not accepted it says
   what is wrong with it. */
const char *tls_verify_text(
    const SSL *ssl, unsigned long error, char *text, size_t size);

/* tls_file_wrong - say that a file cannot be used, and why by OpenSSL's queue,
   which is empty then: "FILE: WHY; expected WHAT".  Returns false. */
bool tls_file_wrong(
    const char *file, const char *expected, char *reason, size_t size);

#endif
