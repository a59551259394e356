/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "client/reporter_tls.h"
#include "client/transport.h"
#include "lib/pem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Of the header's first version: its last member. */
#define OPTIONS_SIZE_MIN \
	(offsetof(struct reporter_tls_options, insecure) + sizeof(int))

struct tls {
	struct reporter_transport transport; /* first: it is cast to this */
	SSL_CTX *context;
	BIO_METHOD *writes;
};

struct session {
	SSL *ssl;
	char error[TLS_ERROR_MAX + 8];
};

/* Held by whoever is in OpenSSL for a session.  Its own locks must be free in
   the child of a fork(), and exit() frees what the threads of clients that are
   not closed use. */
static pthread_mutex_t sessions_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t sessions_once = PTHREAD_ONCE_INIT;
static bool sessions_ended;

static void
sessions_hold(void)
{
	pthread_mutex_lock(&sessions_lock);
}

static void
sessions_release(void)
{
	pthread_mutex_unlock(&sessions_lock);
}

/* Returns false in exit(), with EAGAIN: then nothing happens any more. */
static bool
sessions_enter(void)
{
	sessions_hold();
	if (sessions_ended) {
		sessions_release();
		errno = EAGAIN;
		return false;
	}
	ERR_clear_error();
	return true;
}

static void
sessions_end(void)
{
	sessions_hold();
	sessions_ended = true;
	sessions_release();
}

/* After OpenSSL has registered what it does at the end: ours is before it. */
static void
sessions_watch(void)
{
	pthread_atfork(sessions_hold, sessions_release, sessions_release);
	atexit(sessions_end);
}

/* OpenSSL's own writing raises SIGPIPE. */
static int
socket_write(BIO *bio, const char *bytes, int n)
{
	ssize_t sent = send(
	    (int)(intptr_t)BIO_get_data(bio), bytes, (size_t)n, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)sent;
}

static long
socket_control(BIO *bio, int command, long number, void *arg)
{
	(void)bio, (void)number, (void)arg;
	return command == BIO_CTRL_FLUSH;
}

/* A call did not succeed.  Returns 0 at the end that the server has announced,
   else -1 with errno. */
static int
session_wait(struct session *session, int result, short *events)
{
	int error = SSL_get_error(session->ssl, result);
	unsigned long code = ERR_peek_error();
	char text[TLS_ERROR_MAX] = "the server has closed the connection";

	errno = EAGAIN;
	if (error == SSL_ERROR_WANT_READ)
		*events |= POLLIN;
	else if (error == SSL_ERROR_WANT_WRITE)
		*events |= POLLOUT;
	else if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	else
		errno = EPROTO;
	if (errno == EAGAIN)
		return -1;
	if (error == SSL_ERROR_SSL &&
	    ERR_GET_REASON(code) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
		tls_verify_text(session->ssl, code, text, sizeof(text));
	snprintf(session->error, sizeof(session->error), "TLS: %s", text);
	ERR_clear_error();
	errno = EPROTO;
	return -1;
}

static void
session_free(void *arg)
{
	struct session *session = arg;

	if (sessions_enter()) {
		SSL_free(session->ssl);
		sessions_release();
	}
	free(session);
}

/* Verify the certificate for this host: a name, or an address. */
static bool
session_verify(SSL *ssl, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1 ||
	    inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(
			   SSL_get0_param(ssl), host) == 1;
	/* The macro requires a text that may be written to. */
	char *name = strdup(host);
	bool set = name != NULL && SSL_set_tlsext_host_name(ssl, name) == 1 &&
		   SSL_set1_host(ssl, host) == 1;
	free(name);
	return set;
}

/* Returns NULL when out of memory. */
static SSL *
session_ssl(const struct tls *tls, int fd, const char *host)
{
	BIO *in = BIO_new_socket(fd, BIO_NOCLOSE), *out = BIO_new(tls->writes);
	SSL *ssl = SSL_new(tls->context);

	if (ssl == NULL || in == NULL || out == NULL ||
	    !session_verify(ssl, host)) {
		BIO_free(in);
		BIO_free(out);
		SSL_free(ssl);
		return NULL;
	}
	BIO_set_data(out, (void *)(intptr_t)fd);
	BIO_set_init(out, 1);
	SSL_set_bio(ssl, in, out);
	SSL_set_connect_state(ssl);
	return ssl;
}

static void *
session_open(struct reporter_transport *transport, int fd, const char *host)
{
	struct session *session = calloc(1, sizeof(*session));

	if (session != NULL && sessions_enter()) {
		session->ssl = session_ssl((struct tls *)transport, fd, host);
		sessions_release();
		if (session->ssl != NULL)
			return session;
	}
	free(session);
	return NULL;
}

static int
session_agree(void *arg, short *events)
{
	struct session *session = arg;

	*events = 0;
	if (!sessions_enter())
		return 0;
	int result = SSL_do_handshake(session->ssl);
	if (result != 1)
		result =
		    session_wait(session, result, events) < 0 && errno == EAGAIN
			? 0
			: -1;
	sessions_release();
	return result;
}

static ssize_t
session_read(void *arg, void *bytes, size_t n, short *events)
{
	struct session *session = arg;
	size_t done;

	if (!sessions_enter())
		return -1;
	int result = SSL_read_ex(session->ssl, bytes, n, &done);
	ssize_t got =
	    result == 1 ? (ssize_t)done : session_wait(session, result, events);
	sessions_release();
	return got;
}

static ssize_t
session_write(void *arg, const void *bytes, size_t n, short *events)
{
	struct session *session = arg;
	size_t done;

	if (!sessions_enter())
		return -1;
	int result = SSL_write_ex(session->ssl, bytes, n, &done);
	if (result != 1)
		session_wait(session, result, events);
	sessions_release();
	return result == 1 ? (ssize_t)done : -1;
}

static void
session_end(void *arg)
{
	struct session *session = arg;

	if (!sessions_enter())
		return;
	SSL_shutdown(session->ssl);
	sessions_release();
}

static const char *
session_error(void *arg)
{
	return ((struct session *)arg)->error;
}

/* ------------------------------------------------------------- files ------ */

/* Returns false if a file cannot be used. */
static bool
context_files(SSL_CTX *context, const struct reporter_tls_options *o,
    char *reason, size_t size)
{
	const char *key = o->key != NULL ? o->key : o->certificate;
	char fault[PEM_REASON_MAX];

	if (!o->insecure && o->ca == NULL &&
	    SSL_CTX_set_default_verify_paths(context) != 1)
		return tls_file_wrong("ca: the system's certificates",
		    "them to be installed", reason, size);
	if (!o->insecure && o->ca != NULL &&
	    SSL_CTX_load_verify_file(context, o->ca) != 1) {
		tls_file_wrong(
		    o->ca, "certificates in PEM form", fault, sizeof(fault));
		snprintf(reason, size, "ca: %s", fault);
		return false;
	}
	enum pem_fault pair = o->certificate == NULL
				  ? PEM_NONE
				  : pem_use_pair(context, o->certificate, key,
					fault, sizeof(fault));
	if (pair != PEM_NONE)
		snprintf(reason, size, "%s: %s",
		    pair == PEM_KEY ? "key" : "cert", fault);
	return pair == PEM_NONE;
}

struct reporter_transport *
reporter_tls_new(
    const struct reporter_tls_options *given, char *reason, size_t size)
{
	struct reporter_tls_options o = { 0 };

	if (!options_copy(
		&o, sizeof(o), OPTIONS_SIZE_MIN, given, given->size)) {
		snprintf(reason, size, "size: %zu; expected %zu", given->size,
		    sizeof(o));
		return NULL;
	}
	struct tls *tls = calloc(1, sizeof(*tls));
	if (tls != NULL) {
		tls->context = SSL_CTX_new(TLS_client_method());
		tls->writes = BIO_meth_new(
		    BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
	}
	if (tls == NULL || tls->context == NULL || tls->writes == NULL) {
		snprintf(reason, size, "tls: out of memory");
		reporter_tls_free(tls != NULL ? &tls->transport : NULL);
		return NULL;
	}
	tls->transport = (struct reporter_transport){ session_open,
		session_agree, session_read, session_write, session_end,
		session_error, session_free };
	BIO_meth_set_write(tls->writes, socket_write);
	BIO_meth_set_ctrl(tls->writes, socket_control);
	ERR_clear_error();
	SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
	SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(
	    tls->context, o.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	pthread_once(&sessions_once, sessions_watch);
	if (context_files(tls->context, &o, reason, size))
		return &tls->transport;
	reporter_tls_free(&tls->transport);
	return NULL;
}

void
reporter_tls_free(struct reporter_transport *transport)
{
	struct tls *tls = (struct tls *)transport;

	if (tls == NULL)
		return;
	SSL_CTX_free(tls->context);
	BIO_meth_free(tls->writes);
	free(tls);
}
