/* SPDX-License-Identifier: MIT
 *
 * TLS for the sender, whose socket does not block from client_open() on.
 */
#include "config.h"

#include "send/tls_client.h"

#include "lib/pem.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct tls_client {
	struct sender_layer layer; /* first: a layer is cast to its client */
	SSL_CTX *context;
	SSL *ssl; /* NULL: not connected */
};

static SSL *
ssl_of(const struct sender *sender)
{
	return ((const struct tls_client *)sender->layer)->ssl;
}

/* Why a call of OpenSSL did not succeed. */
enum call {
	CALL_AGAIN,  /* it had to wait for the socket, which is ready now */
	CALL_LATE,   /* the socket is not ready in time */
	CALL_ENDED,  /* the server confirmed that it has taken all */
	CALL_FAILED, /* see sender->error */
};

static enum call
client_failed(struct sender *sender, int error)
{
	unsigned long code = ERR_peek_error();
	char text[TLS_ERROR_MAX] = SENDER_CLOSED;

	if (error == SSL_ERROR_ZERO_RETURN)
		return CALL_ENDED;
	if (error == SSL_ERROR_SSL &&
	    ERR_GET_REASON(code) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
		tls_verify_text(ssl_of(sender), code, text, sizeof(text));
	sender_fail(sender, "TLS: %.240s", text);
	ERR_clear_error();
	return CALL_FAILED;
}

/* deadline: as for sender_wait(). */
static enum call
client_wait(struct sender *sender, int result, uint64_t deadline)
{
	int error = SSL_get_error(ssl_of(sender), result);

	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		return client_failed(sender, error);
	return sender_wait(sender->fd,
		   error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)
		   ? CALL_AGAIN
		   : CALL_LATE;
}

static void
client_close(struct sender *sender)
{
	struct tls_client *client = (struct tls_client *)sender->layer;

	SSL_free(client->ssl);
	client->ssl = NULL;
}

/* Verify the certificate for this host: a name, or an address. */
static bool
client_verify(SSL *ssl, const char *host)
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

static bool
client_open(struct sender *sender, const char *host, uint64_t deadline)
{
	struct tls_client *client = (struct tls_client *)sender->layer;
	enum call call = CALL_AGAIN;
	int result;

	ERR_clear_error();
	client->ssl = SSL_new(client->context);
	if (client->ssl == NULL || SSL_set_fd(client->ssl, sender->fd) != 1 ||
	    !client_verify(client->ssl, host) ||
	    fcntl(sender->fd, F_SETFL, O_NONBLOCK) < 0)
		return sender_fail(sender, "TLS: cannot start a session");
	while (call == CALL_AGAIN) {
		result = SSL_connect(client->ssl);
		if (result == 1)
			return true;
		call = client_wait(sender, result, deadline);
	}
	if (call == CALL_LATE)
		sender_fail(sender, "TLS: timed out waiting for the server");
	return false;
}

static bool
client_alive(struct sender *sender)
{
	char byte;
	int result;

	ERR_clear_error();
	result = SSL_peek(ssl_of(sender), &byte, 1);
	if (result > 0)
		return true;
	enum call call = client_wait(sender, result, 0);
	if (call == CALL_ENDED)
		sender_fail(sender, "TLS: " SENDER_CLOSED);
	return call != CALL_ENDED && call != CALL_FAILED;
}

static bool
client_write(struct sender *sender)
{
	size_t sent = 0, n;

	while (sent < sender->length) {
		ERR_clear_error();
		int result = SSL_write_ex(ssl_of(sender), sender->buffer + sent,
		    sender->length - sent, &n);
		if (result == 1) {
			sent += n;
		} else if (client_wait(sender, result, UINT64_MAX) !=
			   CALL_AGAIN) {
			/* An alert of the server's may say why. */
			client_alive(sender);
			return false;
		}
	}
	return true;
}

/* Tell the server that nothing more comes, and wait for it to confirm by TLS
   that it has taken all.  The end of the connection alone proves nothing:
   anybody on the way can cause that. */
static enum sender_end
client_finish(struct sender *sender, uint64_t deadline)
{
	enum call call;
	char bytes[256];
	int result;

	ERR_clear_error();
	do
		result = SSL_shutdown(ssl_of(sender));
	while (
	    result < 0 && client_wait(sender, result, deadline) == CALL_AGAIN);
	shutdown(sender->fd, SHUT_WR);
	do {
		ERR_clear_error();
		result = SSL_read(ssl_of(sender), bytes, sizeof(bytes));
		call = result > 0 ? CALL_AGAIN
				  : client_wait(sender, result, deadline);
	} while (call == CALL_AGAIN);
	if (call == CALL_LATE)
		sender_fail(sender, "TLS: " SENDER_NOT_CLOSED);
	return call == CALL_ENDED  ? SENDER_DONE
	       : call == CALL_LATE ? SENDER_UNCLEAR
				   : SENDER_FAILED;
}

/* -------------------------------------------------------------- files ----- */

/* The file of an option cannot be used.  Returns false. */
static bool
file_fails(const char *option, const char *file, const char *expected,
    char *reason, size_t size)
{
	size_t length = (size_t)snprintf(reason, size, "%s: ", option);

	return tls_file_wrong(file, expected, reason + length, size - length);
}

static bool
context_trust(SSL_CTX *context, const char *ca, char *reason, size_t size)
{
	if (ca == NULL)
		return SSL_CTX_set_default_verify_paths(context) == 1 ||
		       file_fails("--ca", "the system's certificates",
			   "them to be installed", reason, size);
	return SSL_CTX_load_verify_file(context, ca) == 1 ||
	       file_fails("--ca", ca, "certificates in PEM form", reason, size);
}

static bool
context_identity(SSL_CTX *context, const struct tls_client_files *files,
    char *reason, size_t size)
{
	const char *key = files->key != NULL ? files->key : files->certificate;

	if (files->certificate == NULL)
		return true;
	if (SSL_CTX_use_certificate_chain_file(context, files->certificate) !=
	    1)
		return file_fails("--cert", files->certificate,
		    "a certificate in PEM form", reason, size);
	/* A key of another kind than the certificate's is accepted: only the
	   check sees that it has no certificate. */
	return (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) ==
		       1 &&
		   SSL_CTX_check_private_key(context) == 1) ||
	       file_fails("--key", key,
		   "the certificate's private key in PEM form", reason, size);
}

struct sender_layer *
tls_client_new(const struct tls_client_files *files, bool insecure,
    char *reason, size_t size)
{
	struct tls_client *client = calloc(1, sizeof(*client));
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (client == NULL || context == NULL) {
		snprintf(reason, size, "out of memory");
		SSL_CTX_free(context);
		free(client);
		return NULL;
	}
	client->layer = (struct sender_layer){ client_open, client_write,
		client_alive, client_finish, client_close };
	client->context = context;
	ERR_clear_error();
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE);
	SSL_CTX_set_verify(
	    context, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	if ((insecure || context_trust(context, files->ca, reason, size)) &&
	    context_identity(context, files, reason, size))
		return &client->layer;
	tls_client_free(&client->layer);
	return NULL;
}

void
tls_client_free(struct sender_layer *layer)
{
	struct tls_client *client = (struct tls_client *)layer;

	if (client == NULL)
		return;
	SSL_free(client->ssl);
	SSL_CTX_free(client->context);
	free(client);
}
