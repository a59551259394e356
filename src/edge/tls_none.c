/* SPDX-License-Identifier: MIT
 *
 * TLS in a build without OpenSSL: there is none.  The configuration lets no
 * listener have it, so only tls_new(), which fails, tls_free() and tls_close()
 * are ever called.
 */
#include "config.h"

#include "edge/tls.h"

struct tls *
tls_new(const struct settings *settings, const char **option, char *reason,
    size_t size)
{
	(void)settings;
	*option = "certificate";
	snprintf(reason, size, "this reporter was built without OpenSSL");
	return NULL;
}

void
tls_free(struct tls *tls)
{
	(void)tls;
}

enum tls_status
tls_accept(struct tls *tls, int fd, struct tls_session **session)
{
	(void)tls;
	(void)fd;
	(void)session;
	return TLS_FAILED;
}

enum tls_status
tls_read(struct tls_session *session, void *bytes, size_t size, size_t *n)
{
	(void)session;
	(void)bytes;
	(void)size;
	*n = 0;
	return TLS_FAILED;
}

size_t
tls_pending(const struct tls_session *session)
{
	(void)session;
	return 0;
}

bool
tls_begun(const struct tls_session *session)
{
	(void)session;
	return false;
}

void
tls_shutdown(struct tls_session *session)
{
	(void)session;
}

const char *
tls_fault(const struct tls_session *session, char *text, size_t size)
{
	(void)session;
	snprintf(text, size, "built without OpenSSL");
	return text;
}

void
tls_close(struct tls_session *session)
{
	(void)session;
}
