/* SPDX-License-Identifier: MIT
 *
 * TLS.  Owns OpenSSL's objects; sockets are lent.  Called by the master's
 * loop.  Failures are returned with their reason; nothing is logged.
 */
#include "config.h"

#include "edge/tls.h"
#include "lib/pem.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

/* Groups of the key exchange.  OpenSSL's default list has finite fields of up
   to 8,192 bits as well: one ClientHello with such a key share costs the master
   120 ms, P-384 1 to 3 ms, the others 0.1 ms.  OpenSSL in FIPS mode may lack
   X25519. */
static char groups[] = "X25519:P-256:P-384";
static char groups_fips[] = "P-256:P-384";
#define GROUPS_BYTES_MAX 512 /* of the list of a client */

struct tls {
	SSL_CTX *context;
};

struct tls_session {
	SSL *ssl;
	unsigned long error; /* OpenSSL's, of what failed last */
};

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

/* Read the files into the context; on a fault also *option. */
static bool
context_files(SSL_CTX *context, const struct settings *settings,
    const char **option, char *reason, size_t size)
{
	enum pem_fault fault = pem_use_pair(
	    context, settings->certificate, settings->key, reason, size);

	if (fault != PEM_NONE) {
		*option = fault == PEM_KEY ? "key" : "certificate";
		return false;
	}
	*option = "client_ca";
	return context_clients(context, settings, reason, size);
}

struct tls *
tls_new(const struct settings *settings, const char **option, char *reason,
    size_t size)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	ERR_clear_error();
	*option = "certificate";
	if (tls != NULL)
		tls->context = SSL_CTX_new(TLS_server_method());
	if (tls == NULL || tls->context == NULL)
		snprintf(reason, size, "not enough memory");
	else if (!context_rules(tls->context, settings->min_version))
		snprintf(reason, size, "OpenSSL does not support the groups %s",
		    groups_fips);
	else if (context_files(tls->context, settings, option, reason, size))
		return tls;
	tls_free(tls);
	return NULL;
}

uint64_t
tls_expires(const struct tls *tls)
{
	const X509 *own =
	    tls == NULL ? NULL : SSL_CTX_get0_certificate(tls->context);
	struct tm end;

	if (own == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(own), &end) != 1)
		return 0;
	time_t seconds = timegm(&end);
	return seconds > 0 ? (uint64_t)seconds : 0;
}

void
tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	SSL_CTX_free(tls->context);
	free(tls);
}

/* ---------------------------------------------------------- one session --- */

/* Why a call did not do it. */
static enum tls_status
session_status(struct tls_session *session, int result)
{
	int error = SSL_get_error(session->ssl, result);

	session->error = ERR_peek_error();
	ERR_clear_error();
	switch (error) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANTS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANTS_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_ENDED;
	case SSL_ERROR_SYSCALL:
		return TLS_LOST;
	default:
		return ERR_GET_REASON(session->error) ==
			       SSL_R_UNEXPECTED_EOF_WHILE_READING
			   ? TLS_LOST
			   : TLS_FAILED;
	}
}

/* Begin a session, if the peer has sent a byte, and of TLS.  OpenSSL takes a
   first byte from 0x80 on for a greeting of SSL 2 and waits for its end: a
   plain agent whose modid is 1 begins like one. */
static enum tls_status
session_begin(struct tls *tls, int fd, struct tls_session **session)
{
	struct tls_session *next;
	uint8_t first;
	ssize_t n = recv(fd, &first, 1, MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return TLS_WANTS_READ;
	if (n <= 0)
		return TLS_LOST;
	if (first >= 0x80)
		return TLS_FAILED;
	next = tls == NULL ? NULL : calloc(1, sizeof(*next));
	if (next != NULL)
		next->ssl = SSL_new(tls->context);
	if (next == NULL || next->ssl == NULL ||
	    SSL_set_fd(next->ssl, fd) != 1) {
		tls_close(next);
		return TLS_NO_MEMORY;
	}
	SSL_set_accept_state(next->ssl);
	*session = next;
	return TLS_DONE;
}

enum tls_status
tls_accept(struct tls *tls, int fd, struct tls_session **session)
{
	int result;

	ERR_clear_error();
	if (*session == NULL) {
		enum tls_status status = session_begin(tls, fd, session);

		if (status != TLS_DONE)
			return status;
	}
	result = SSL_do_handshake((*session)->ssl);
	return result == 1 ? TLS_DONE : session_status(*session, result);
}

enum tls_status
tls_read(struct tls_session *session, void *bytes, size_t size, size_t *n)
{
	ERR_clear_error();
	int result = SSL_read_ex(session->ssl, bytes, size, n);
	return result == 1 ? TLS_DONE : session_status(session, result);
}

size_t
tls_pending(const struct tls_session *session)
{
	return (size_t)SSL_pending(session->ssl);
}

bool
tls_begun(const struct tls_session *session)
{
	return SSL_has_pending(session->ssl) == 1 && tls_pending(session) == 0;
}

void
tls_shutdown(struct tls_session *session)
{
	ERR_clear_error();
	SSL_shutdown(session->ssl);
	ERR_clear_error();
}

const char *
tls_fault(const struct tls_session *session, char *text, size_t size)
{
	return session == NULL
		   ? "not TLS"
		   : tls_verify_text(session->ssl, session->error, text, size);
}

void
tls_close(struct tls_session *session)
{
	if (session == NULL)
		return;
	SSL_free(session->ssl);
	free(session);
}
