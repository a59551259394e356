/* SPDX-License-Identifier: MIT
 *
 * TLS for the sender.  Owns OpenSSL's objects; the socket is the sender's and
 * does not block from now on.  For the tools; one thread.  Failures are
 * returned as texts, which are good until the next call.
 */
#include "config.h"

#include "send/tls_client.h"

#include "lib/clock.h"
#include "lib/tls_error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FOR_EVER UINT64_MAX

struct tls_client {
	struct sender_layer layer; /* the first: a layer is its client */
	SSL_CTX *context;
	SSL *ssl; /* NULL: not connected */
	int fd;
	char error[256];
};

static struct tls_client *
client_of(struct sender_layer *layer)
{
	return (struct tls_client *)layer;
}

static struct sender_layer *
layer_of(struct tls_client *client)
{
	return (struct sender_layer *)client;
}

/* ----------------------------------------------------------- waiting ------ */

/* What a failed call means. */
enum call {
	CALL_AGAIN,  /* what it waited for is there */
	CALL_LATE,   /* it is not there in time */
	CALL_ENDED,  /* the server said that it has all */
	CALL_FAILED, /* see error */
};

static enum call
client_failed(struct tls_client *client, int error)
{
	unsigned long code = ERR_peek_error();

	if (error == SSL_ERROR_ZERO_RETURN)
		return CALL_ENDED;
	if (error == SSL_ERROR_SSL &&
	    ERR_GET_REASON(code) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
		tls_verify_text(
		    client->ssl, code, client->error, sizeof(client->error));
	else
		snprintf(client->error, sizeof(client->error),
		    "the server has closed the connection");
	ERR_clear_error();
	return CALL_FAILED;
}

/* Find out why a call did not do it, and wait until it may.  deadline: in
   milliseconds of the clock, or FOR_EVER. */
static enum call
client_wait(struct tls_client *client, int result, uint64_t deadline)
{
	int error = SSL_get_error(client->ssl, result), n, left = -1;
	struct pollfd fd = { .fd = client->fd };

	if (error == SSL_ERROR_WANT_READ)
		fd.events = POLLIN;
	else if (error == SSL_ERROR_WANT_WRITE)
		fd.events = POLLOUT;
	else
		return client_failed(client, error);
	do {
		uint64_t now = monotonic_ms();

		if (deadline != FOR_EVER)
			left = now < deadline ? (int)(deadline - now) : 0;
		n = poll(&fd, 1, left);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? CALL_AGAIN : CALL_LATE;
}

/* ---------------------------------------------------------- the layer ----- */

static void
client_close(struct sender_layer *layer)
{
	struct tls_client *client = client_of(layer);

	SSL_free(client->ssl);
	client->ssl = NULL;
}

/* Have the certificate checked for this host: a name, or an address. */
static bool
client_expect(SSL *ssl, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1 ||
	    inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(
			   SSL_get0_param(ssl), host) == 1;
	/* The macro wants a text that may be written to. */
	char *name = strdup(host);
	bool right = name != NULL && SSL_set_tlsext_host_name(ssl, name) == 1 &&
		     SSL_set1_host(ssl, host) == 1;
	free(name);
	return right;
}

static const char *
client_open(
    struct sender_layer *layer, int fd, const char *host, int timeout_ms)
{
	struct tls_client *client = client_of(layer);
	uint64_t deadline = monotonic_ms() + (uint64_t)timeout_ms;
	int result;

	ERR_clear_error();
	client->fd = fd;
	client->ssl = SSL_new(client->context);
	if (client->ssl == NULL || SSL_set_fd(client->ssl, fd) != 1 ||
	    !client_expect(client->ssl, host) ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return "TLS cannot begin";
	while ((result = SSL_connect(client->ssl)) != 1) {
		enum call call = client_wait(client, result, deadline);

		if (call == CALL_LATE)
			return "the server has not answered in time";
		if (call != CALL_AGAIN)
			return client->error;
	}
	return NULL;
}

/* Whether the server still reads, without waiting. */
static const char *
client_alive(struct sender_layer *layer)
{
	struct tls_client *client = client_of(layer);
	char byte;

	ERR_clear_error();
	int result = SSL_peek(client->ssl, &byte, 1);
	if (result > 0)
		return NULL;
	switch (client_wait(client, result, 0)) {
	case CALL_ENDED:
		return "the server has closed the connection";
	case CALL_FAILED:
		return client->error;
	default:
		return NULL;
	}
}

static const char *
client_write(struct sender_layer *layer, const uint8_t *bytes, size_t length)
{
	struct tls_client *client = client_of(layer);
	size_t sent = 0, n;

	while (sent < length) {
		ERR_clear_error();
		int result =
		    SSL_write_ex(client->ssl, bytes + sent, length - sent, &n);
		if (result == 1) {
			sent += n;
			continue;
		}
		if (client_wait(client, result, FOR_EVER) != CALL_AGAIN) {
			/* Its last word may say why. */
			const char *why = client_alive(layer);
			return why != NULL ? why : client->error;
		}
	}
	return NULL;
}

/*
 * Say that nothing more comes, and wait for the server's word that it has all.
 * An end of the connection is none: anybody can make that.
 */
static enum sender_end
client_finish(struct sender_layer *layer, int timeout_ms, const char **why)
{
	struct tls_client *client = client_of(layer);
	uint64_t deadline = monotonic_ms() + (uint64_t)timeout_ms;
	enum call call;
	char bytes[256];
	int result;

	ERR_clear_error();
	while ((result = SSL_shutdown(client->ssl)) < 0) {
		call = client_wait(client, result, deadline);
		if (call != CALL_AGAIN)
			break;
	}
	shutdown(client->fd, SHUT_WR);
	do {
		ERR_clear_error();
		result = SSL_read(client->ssl, bytes, sizeof(bytes));
		call = result > 0 ? CALL_AGAIN
				  : client_wait(client, result, deadline);
	} while (call == CALL_AGAIN);
	if (call == CALL_ENDED)
		return SENDER_DONE;
	*why = call == CALL_FAILED
		   ? client->error
		   : "all is sent, but the server has not said in time that "
		     "it has all: it reads late, or is no reporter";
	return call == CALL_FAILED ? SENDER_FAILED : SENDER_UNCLEAR;
}

/* ------------------------------------------------------------- set-up ----- */

/* The file of an option cannot be used. */
static bool
client_wrong(const char *option, const char *file, const char *expected,
    char *reason, size_t size)
{
	size_t length = (size_t)snprintf(reason, size, "%s: ", option);

	return tls_file_wrong(file, expected, reason + length, size - length);
}

static bool
client_trust(SSL_CTX *context, const char *ca, char *reason, size_t size)
{
	if (ca == NULL)
		return SSL_CTX_set_default_verify_paths(context) == 1 ||
		       client_wrong("--ca", "the system's certificates",
			   "them to be installed", reason, size);
	return SSL_CTX_load_verify_file(context, ca) == 1 ||
	       client_wrong(
		   "--ca", ca, "certificates in PEM form", reason, size);
}

static bool
client_identity(SSL_CTX *context, const struct tls_client_files *files,
    char *reason, size_t size)
{
	const char *key = files->key != NULL ? files->key : files->certificate;

	if (files->certificate == NULL)
		return true;
	if (SSL_CTX_use_certificate_chain_file(context, files->certificate) !=
	    1)
		return client_wrong("--cert", files->certificate,
		    "a certificate in PEM form", reason, size);
	/* A key of another kind than the certificate's is taken, to stand
	   beside it: only the check sees that it has no certificate. */
	return (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) ==
		       1 &&
		   SSL_CTX_check_private_key(context) == 1) ||
	       client_wrong("--key", key,
		   "the certificate's private key in PEM form", reason, size);
}

static bool
client_context(struct tls_client *client, const struct tls_client_files *files,
    bool insecure, char *reason, size_t size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	client->context = context;
	if (context == NULL) {
		snprintf(reason, size, "there is no memory");
		return false;
	}
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE);
	SSL_CTX_set_verify(
	    context, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	return (insecure || client_trust(context, files->ca, reason, size)) &&
	       client_identity(context, files, reason, size);
}

struct sender_layer *
tls_client_new(const struct tls_client_files *files, bool insecure,
    char *reason, size_t size)
{
	struct tls_client *client = calloc(1, sizeof(*client));

	if (client == NULL) {
		snprintf(reason, size, "there is no memory");
		return NULL;
	}
	ERR_clear_error();
	client->layer = (struct sender_layer){
		.open = client_open,
		.write = client_write,
		.alive = client_alive,
		.finish = client_finish,
		.close = client_close,
	};
	if (!client_context(client, files, insecure, reason, size)) {
		SSL_CTX_free(client->context);
		free(client);
		return NULL;
	}
	return layer_of(client);
}

void
tls_client_free(struct sender_layer *layer)
{
	if (layer == NULL)
		return;
	client_close(layer);
	SSL_CTX_free(client_of(layer)->context);
	free(client_of(layer));
}
