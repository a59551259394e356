/* SPDX-License-Identifier: MIT
 *
 * TLS.  A session that failed leaves the reason in OpenSSL's queue of errors,
 * for tls_fault(); all else leaves the queue empty.
 */
#include "config.h"

#include "edge/tls.h"
#include "lib/address.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/pem.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Groups of the key exchange.  OpenSSL's default list has finite fields of up
   to 8,192 bits as well: one ClientHello with such a key share costs the master
   120 ms, P-384 1 to 3 ms, the others 0.1 ms.  OpenSSL in FIPS mode may lack
   X25519. */
static char groups[] = "X25519:P-256:P-384";
static char groups_fips[] = "P-256:P-384";
#define GROUPS_BYTES_MAX 512 /* of the list of a client */

/* ------------------------------------------------------------ the rules --- */

/* For each of a client's key shares OpenSSL searches its list of groups: 65 KB
   of both took 54 ms.  Those of real clients are some ten groups. */
static int
hello_limit(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *list;
	size_t length;

	(void)arg;
	if (SSL_client_hello_get0_ext(
		ssl, TLSEXT_TYPE_supported_groups, &list, &length) != 1 ||
	    length <= GROUPS_BYTES_MAX)
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_ILLEGAL_PARAMETER;
	return SSL_CLIENT_HELLO_ERROR;
}

/* Nothing that an agent has no use for: no resumption, so no tickets and no
   early data; no renegotiation; no compression.  Returns false if OpenSSL
   supports none of the groups. */
static bool
context_rules(SSL_CTX *context, int version)
{
	SSL_CTX_set_min_proto_version(context,
	    version == TLS_VERSION_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_options(context,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
	SSL_CTX_set_client_hello_cb(context, hello_limit, NULL);
	SSL_CTX_set_num_tickets(context, 0);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_early_data(context, 0);
	/* One record a call, whatever it is, and no more memory than that. */
	SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(context, 0);
	if (SSL_CTX_set1_groups_list(context, groups) != 1 &&
	    SSL_CTX_set1_groups_list(context, groups_fips) != 1)
		return false;
	ERR_clear_error();
	return true;
}

static bool
context_clients(SSL_CTX *context, const struct settings *settings, char *reason,
    size_t size)
{
	STACK_OF(X509_NAME) * names;

	if (settings->client_ca[0] == '\0')
		return true;
	names = SSL_load_client_CA_file(settings->client_ca);
	if (names == NULL ||
	    SSL_CTX_load_verify_file(context, settings->client_ca) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return tls_file_wrong(settings->client_ca,
		    "certificates in PEM form", reason, size);
	}
	SSL_CTX_set_client_CA_list(context, names);
	SSL_CTX_set_verify(
	    context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return true;
}

static bool
tls_wanted(const struct settings *settings)
{
	struct listen_spec spec;

	for (size_t i = 0; i < settings->listen.count; i++) {
		listen_spec_parse(&spec, settings->listen.words[i]);
		if (spec.tls)
			return true;
	}
	return false;
}

/* OpenSSL would wait for these files forever, and the master with it. */
static bool
tls_files_end(const struct settings *settings, const char **option,
    char *reason, size_t size)
{
	const struct {
		const char *option, *file;
	} files[] = {
		{ "certificate", settings->certificate },
		{ "key", settings->key },
		{ "client_ca", settings->client_ca },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (!file_is_endless(files[i].file))
			continue;
		*option = files[i].option;
		snprintf(reason, size,
		    "%s: not a regular file; expected one in PEM form",
		    files[i].file);
		return false;
	}
	return true;
}

int
tls_load(const struct settings *settings, SSL_CTX **tls, const char **option,
    char *reason, size_t size)
{
	enum pem_fault fault;
	SSL_CTX *context;

	*tls = NULL;
	if (!tls_wanted(settings))
		return 0;
	if (!tls_files_end(settings, option, reason, size))
		return -1;
	ERR_clear_error();
	*option = "certificate";
	context = SSL_CTX_new(TLS_server_method());
	if (context == NULL) {
		snprintf(reason, size, "not enough memory");
	} else if (!context_rules(context, settings->min_version)) {
		snprintf(reason, size, "OpenSSL does not support the groups %s",
		    groups_fips);
	} else {
		fault = pem_use_pair(context, settings->certificate,
		    settings->key, reason, size);
		if (fault != PEM_CERTIFICATE)
			*option = fault == PEM_KEY ? "key" : "client_ca";
		if (fault == PEM_NONE &&
		    context_clients(context, settings, reason, size))
			*tls = context;
	}
	if (*tls != NULL)
		return 0;
	SSL_CTX_free(context);
	return -1;
}

int
tls_load_logged(const struct settings *settings, SSL_CTX **tls)
{
	char reason[TLS_REASON_MAX];
	const char *option;

	if (tls_load(settings, tls, &option, reason, sizeof(reason)) == 0)
		return 0;
	log_error("tls.%s: %s", option, reason);
	return -1;
}

void
tls_warn_of_key(const struct settings *settings)
{
	if (tls_wanted(settings) && eaccess(settings->key, R_OK) < 0)
		log_warn("tls.key: %s: %m for the user that reporter runs as; "
			 "a reload will fail until it can be read",
		    settings->key);
}

uint64_t
tls_expires(const SSL_CTX *tls)
{
	const X509 *own = tls == NULL ? NULL : SSL_CTX_get0_certificate(tls);
	struct tm end;

	if (own == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(own), &end) != 1)
		return 0;
	time_t seconds = timegm(&end);
	return seconds > 0 ? (uint64_t)seconds : 0;
}

void
tls_free(SSL_CTX *tls)
{
	SSL_CTX_free(tls);
}

/* ---------------------------------------------------------- one session --- */

/* Why a call did not do it. */
static enum tls_status
session_status(SSL *session, int result)
{
	int error = SSL_get_error(session, result);
	enum tls_status status = error == SSL_ERROR_WANT_READ ? TLS_WANTS_READ
				 : error == SSL_ERROR_WANT_WRITE
				     ? TLS_WANTS_WRITE
				 : error == SSL_ERROR_ZERO_RETURN ? TLS_ENDED
				 : error == SSL_ERROR_SYSCALL     ? TLS_LOST
								  : TLS_FAILED;

	if (ERR_GET_REASON(ERR_peek_error()) ==
		SSL_R_UNEXPECTED_EOF_WHILE_READING &&
	    status == TLS_FAILED)
		status = TLS_LOST;
	if (status != TLS_FAILED)
		ERR_clear_error();
	return status;
}

/* Begin a session, if the peer has sent a byte, and of TLS.  OpenSSL takes a
   first byte from 0x80 on for a greeting of SSL 2 and waits for its end: a
   plain agent whose modid is 1 begins like one. */
static enum tls_status
session_begin(SSL_CTX *tls, int fd, SSL **session)
{
	uint8_t first;
	ssize_t n = recv(fd, &first, 1, MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return TLS_WANTS_READ;
	if (n <= 0)
		return TLS_LOST;
	if (first >= 0x80)
		return TLS_FAILED;
	*session = tls == NULL ? NULL : SSL_new(tls);
	if (*session == NULL || SSL_set_fd(*session, fd) != 1)
		return TLS_NO_MEMORY;
	SSL_set_accept_state(*session);
	return TLS_DONE;
}

enum tls_status
tls_accept(SSL_CTX *tls, int fd, SSL **session)
{
	enum tls_status status = TLS_DONE;
	int result;

	ERR_clear_error();
	if (*session == NULL)
		status = session_begin(tls, fd, session);
	if (status != TLS_DONE)
		return status;
	result = SSL_do_handshake(*session);
	return result == 1 ? TLS_DONE : session_status(*session, result);
}

enum tls_status
tls_read(SSL *session, void *bytes, size_t size, size_t *n)
{
	ERR_clear_error();
	int result = SSL_read_ex(session, bytes, size, n);
	return result == 1 ? TLS_DONE : session_status(session, result);
}

size_t
tls_pending(const SSL *session)
{
	return session == NULL ? 0 : (size_t)SSL_pending(session);
}

bool
tls_begun(const SSL *session)
{
	return SSL_has_pending(session) == 1 && tls_pending(session) == 0;
}

void
tls_shutdown(SSL *session)
{
	if (session == NULL)
		return;
	ERR_clear_error();
	SSL_shutdown(session);
	ERR_clear_error();
}

const char *
tls_fault(const SSL *session, char *text, size_t size)
{
	if (session == NULL)
		return "not TLS";
	tls_verify_text(session, ERR_peek_error(), text, size);
	ERR_clear_error();
	return text;
}

void
tls_close(SSL *session)
{
	SSL_free(session);
}
