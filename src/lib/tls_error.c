/* SPDX-License-Identifier: MIT
 *
 * Texts of errors of OpenSSL.
 */
#include "config.h"

#include "lib/tls_error.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

const char *
tls_error_text(unsigned long error, char *text, size_t size)
{
	const char *reason =
	    ERR_SYSTEM_ERROR(error) ? NULL : ERR_reason_error_string(error);

	if (ERR_SYSTEM_ERROR(error))
		snprintf(text, size, "%s", strerror(ERR_GET_REASON(error)));
	else if (reason != NULL)
		snprintf(text, size, "%s", reason);
	else
		snprintf(text, size, "error %lx of OpenSSL", error);
	return text;
}

const char *
tls_verify_text(const SSL *ssl, unsigned long error, char *text, size_t size)
{
	long verdict = SSL_get_verify_result(ssl);
	size_t length;

	tls_error_text(error, text, size);
	length = strlen(text);
	if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED &&
	    verdict != X509_V_OK)
		snprintf(text + length, size - length, ": %s",
		    X509_verify_cert_error_string(verdict));
	return text;
}

bool
tls_file_wrong(
    const char *file, const char *expected, char *reason, size_t size)
{
	char text[TLS_ERROR_MAX];

	snprintf(reason, size, "%s: %s; expected %s", file,
	    tls_error_text(ERR_peek_error(), text, sizeof(text)), expected);
	ERR_clear_error();
	return false;
}
