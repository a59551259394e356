/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/pem.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

static const char *
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

/* There is nobody to ask for a password.  arg: set when there is something to
   ask for; may be NULL. */
static int
no_password(char *into, int size, int writing, void *arg)
{
	bool *asked = arg;

	(void)into;
	(void)size;
	(void)writing;
	if (asked != NULL)
		*asked = true;
	return 0;
}

enum pem_fault
pem_use_pair(SSL_CTX *context, const char *certificate, const char *key,
    char *reason, size_t size)
{
	SSL_CTX_set_default_passwd_cb(context, no_password);
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1) {
		tls_file_wrong(
		    certificate, "a certificate in PEM form", reason, size);
		return PEM_CERTIFICATE;
	}
	/* A key of another kind than the certificate's is taken, to stand
	   beside it: only the check sees that it has no certificate. */
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_check_private_key(context) == 1)
		return PEM_NONE;
	tls_file_wrong(key,
	    "the certificate's private key in PEM form, without a password",
	    reason, size);
	return PEM_KEY;
}

enum pem_fault
pem_check_pair(const char *certificate, const char *key, bool locked,
    char *reason, size_t size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_method());
	enum pem_fault fault = PEM_CERTIFICATE;
	bool asked = false;

	ERR_clear_error();
	if (context == NULL) {
		snprintf(reason, size, "not enough memory");
		return fault;
	}
	SSL_CTX_set_default_passwd_cb_userdata(context, &asked);
	fault = pem_use_pair(context, certificate, key, reason, size);
	SSL_CTX_free(context);
	return asked && locked ? PEM_NONE : fault;
}

const char *
pem_check_ca(const char *file, char *text, size_t size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_method());

	ERR_clear_error();
	if (context == NULL)
		snprintf(text, size, "not enough memory");
	else if (SSL_CTX_load_verify_file(context, file) == 1)
		text = NULL;
	else
		tls_error_text(ERR_peek_error(), text, size);
	ERR_clear_error();
	SSL_CTX_free(context);
	return text;
}
