/* SPDX-License-Identifier: MIT
 *
 * TLS on connections of agents, with OpenSSL; a build without it has none of
 * this in use.  Sockets are the caller's, and do not block.  The master's; one
 * thread.
 */
#pragma once

#include "config.h"

#include "conf/settings.h"

/* OpenSSL's, which need not be there: the certificate and the rules for all
   connections, and the session of one. */
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_st SSL;

#define TLS_REASON_MAX 512 /* bytes of a reason, with the 0 */

/* tls_load - read the files that section [tls] names, if a listener of these
   settings has TLS; at the start, at a reload, and for -t.
   *tls: the caller's, NULL when none has.  Returns 0; or -1 when a file cannot
   be used: *option is its option's name in that section, and reason "FILE: WHY;
   expected WHAT". */
int tls_load(const struct settings *settings, SSL_CTX **tls,
    const char **option, char *reason, size_t size);

/* tls_load_logged - the same, and log the reason. */
int tls_load_logged(const struct settings *settings, SSL_CTX **tls);

/* tls_warn_of_key - log a warning if this process, by now of the configured
   user, cannot read the key for a reload. */
void tls_warn_of_key(const struct settings *settings);

/* tls_expires - when the certificate expires, seconds since 1970; 0: there is
   none. */
uint64_t tls_expires(const SSL_CTX *tls);

/* tls_free - sessions that it created stay valid.  NULL is allowed. */
void tls_free(SSL_CTX *tls);

/* What became of a call. */
enum tls_status {
	TLS_DONE,
	TLS_WANTS_READ,  /* call again when the socket can be read */
	TLS_WANTS_WRITE, /* call again when it can be written to */
	TLS_ENDED,       /* the peer has announced the end: close_notify */
	TLS_LOST,        /* the connection ended without close_notify */
	TLS_FAILED,      /* not TLS, or not acceptable: see tls_fault() */
	TLS_NO_MEMORY
};

/* tls_accept - continue the handshake on a connected socket, which is lent to
   the session.  tls: used at the beginning of a session.  *session: NULL at
   first, made when the peer has sent a byte; tls_close() frees it. */
enum tls_status tls_accept(SSL_CTX *tls, int fd, SSL **session);

/* tls_read - read up to size bytes; *n: how many, when TLS_DONE is returned.
   One call reads at most one record of TLS. */
enum tls_status tls_read(SSL *session, void *bytes, size_t size, size_t *n);

/* tls_pending - bytes that tls_read() has at hand; no event of the socket
   reports them. */
size_t tls_pending(const SSL *session);

/* tls_begun - whether a part of a record has come, and not yet all of it. */
bool tls_begun(const SSL *session);

/* tls_shutdown - send close_notify: all that the peer sent was taken.  Does not
   wait. */
void tls_shutdown(SSL *session);

/* tls_fault - why TLS_FAILED was returned, as in "no shared cipher"; the text
   may be in `text`, which has size bytes.  session: NULL if there is none. */
const char *tls_fault(const SSL *session, char *text, size_t size);

/* tls_close - free the session; the socket stays.  NULL is allowed. */
void tls_close(SSL *session);

/* Without OpenSSL check_listen() in conf/settings.c permits no listener with
   TLS: none of these is reached. */
#ifndef HAVE_OPENSSL
#define tls_load(settings, tls, option, reason, size) \
	((void)(option), (void)(reason), *(tls) = NULL, 0)
#define tls_load_logged(settings, tls) (*(tls) = NULL, 0)
#define tls_warn_of_key(settings) ((void)(settings))
#define tls_free(tls) ((void)(tls))
#define tls_expires(tls) ((void)(tls), UINT64_C(0))
#define tls_accept(tls, fd, session) TLS_FAILED
#define tls_read(session, bytes, size, n) \
	((void)(bytes), (void)(size), TLS_LOST)
#define tls_pending(session) 0
#define tls_begun(session) false
#define tls_shutdown(session) ((void)(session))
#define tls_fault(session, text, size) ((void)(text), "no TLS")
#define tls_close(session) ((void)(session))
#endif
