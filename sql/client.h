/* SPDX-License-Identifier: MIT
 *
 * The seam between the two client libraries, MySQL's libmysqlclient and
 * MariaDB's Connector/C.  Whatever only one of them offers is decided here,
 * when compiling, by what configure found.
 *
 * What is left to the libraries on purpose:
 * - my_bool (MariaDB) and bool (MySQL 8): flags are assigned, never declared
 *   here, so both fit.
 * - MYSQL_OPT_RECONNECT: off by default in both, and MySQL's library complains
 *   on standard error about anyone who sets it.
 */
#pragma once

#include "sql/db.h"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#if HAVE_DECL_MYSQL_OPT_SSL_MODE
#include <client_plugin.h>
#endif

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* MariaDB's bulk execution: one prepared row, an array of values. */
#define CLIENT_BULK HAVE_DECL_STMT_ATTR_ARRAY_SIZE

/* client_has_bulk - whether the server at the other end supports it as well.
   client_bulk_array - set the distance between rows in memory, in bytes, and
   how many the next execution sends.  Returns whether that succeeded. */
#if CLIENT_BULK
static inline bool
client_has_bulk(MYSQL *mysql)
{
	unsigned long more = 0; /* it writes this type */

	return mariadb_get_infov(mysql,
		   MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES,
		   &more) == 0 &&
	       (more & (unsigned long)(MARIADB_CLIENT_STMT_BULK_OPERATIONS >>
				       32)) != 0;
}

static inline bool
client_bulk_array(MYSQL_STMT *statement, size_t size, unsigned rows)
{
	return mysql_stmt_attr_set(statement, STMT_ATTR_ROW_SIZE, &size) == 0 &&
	       mysql_stmt_attr_set(statement, STMT_ATTR_ARRAY_SIZE, &rows) == 0;
}
#else
#define client_has_bulk(mysql) ((void)(mysql), false)
#define client_bulk_array(statement, size, rows) ((void)(rows), false)
#endif

/* client_cut - end the transport below a connection: each call under way, or
   made later, fails.  Any thread, while the connection is open. */
static inline void
client_cut(const MYSQL *mysql)
{
	shutdown(mysql->net.fd, SHUT_RDWR);
}

/* client_is_silent - whether nothing has arrived at an idle connection: neither
   its end nor the reason for it, which some servers send before. */
static inline bool
client_is_silent(const MYSQL *mysql)
{
	char byte;

	return recv(mysql->net.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       (errno == EAGAIN || errno == EINTR);
}

/* client_verifies_ca - whether the library can verify a certificate without its
   name.  False for MariaDB's from 3.4 on, which verifies both or neither. */
static inline bool
client_verifies_ca(void)
{
	return HAVE_DECL_MYSQL_OPT_SSL_MODE ||
	       mysql_get_client_version() < 30400;
}

/* client_tls - require TLS and verify as much of the certificate; without tls
   do without: MySQL's library by default uses it and verifies nothing, and an
   attacker in between gets the password. */
static inline void
client_tls(MYSQL *mysql, bool tls, enum db_verify verify)
{
#if HAVE_DECL_MYSQL_OPT_SSL_MODE
	static const unsigned modes[] = {
		[DB_VERIFY_NAME] = SSL_MODE_VERIFY_IDENTITY,
		[DB_VERIFY_CA] = SSL_MODE_VERIFY_CA,
		[DB_VERIFY_OFF] = SSL_MODE_REQUIRED,
	};
	unsigned mode = tls ? modes[verify] : SSL_MODE_DISABLED;

	mysql_options(mysql, MYSQL_OPT_SSL_MODE, &mode);
#else
	char on = tls;
	char both =
	    tls && (verify == DB_VERIFY_NAME ||
		       (verify == DB_VERIFY_CA && !client_verifies_ca()));

	mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &on);
	mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &both);
	/* Before 3.4 it verifies the certificate whenever it has a CA file, and
	   continues without TLS if the server has none, unless it has a name or
	   a fingerprint to verify, even an empty one. */
	if (on && !both && client_verifies_ca())
		mysql_options(mysql, MARIADB_OPT_TLS_PEER_FP, "");
#endif
}

/* client_on_close - what the kernel does with what it has not sent when the
   connection is closed, or the process dies: drop it, so that no statement
   arrives minutes later; or, at a normal end, send it. */
static inline void
client_on_close(const MYSQL *mysql, bool drop)
{
	struct linger linger = { .l_onoff = drop, .l_linger = 0 };

	setsockopt(
	    mysql->net.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* client_server_pid - the server's process at the other end of a unix socket;
   0 over the network. */
static inline unsigned
client_server_pid(const MYSQL *mysql)
{
	struct ucred peer = { .pid = 0 };
	socklen_t length = sizeof(peer);

	if (getsockopt(
		mysql->net.fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
		return 0;
	return (unsigned)peer.pid;
}

/* What MariaDB's library reports when it did; its text names no plugin, but
   the memory where that was. */
#define CLIENT_AUTH_REFUSED 5010

/* How much a connection protects the password from whoever is between. */
enum client_transport {
	CLIENT_SAFE, /* a unix socket, or TLS with a server that is verified */
	CLIENT_UNVERIFIED, /* TLS with any server */
	CLIENT_UNKNOWN,    /* what an option file says */
	CLIENT_PLAIN
};

/* client_restrict_auth - unless insecure, refuse a server that asks for the
   password as plain text without TLS, or for its old hash; or encrypted with a
   key that it sends, since that may be anybody's.  key: file with the public
   key of the server, NULL: none.  MySQL's library does so by default.
   MariaDB's since 3.4 goes on without TLS with an unverified server that has
   none, and two plugins still send plain text then.  It requests a key if it
   has no file at all; and it never frees that file's name, so that one is given
   only where the two plugins cannot be refused. */
static inline void
client_restrict_auth(MYSQL *mysql, bool insecure, const char *key,
    enum client_transport transport)
{
	(void)transport;
#if HAVE_DECL_MYSQL_OPT_SSL_MODE
	char on = insecure;

	mysql_options(mysql, MYSQL_ENABLE_CLEARTEXT_PLUGIN, &on);
	mysql_options(mysql, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &on);
#elif HAVE_DECL_MARIADB_OPT_RESTRICTED_AUTH
	static const char permitted[] =
	    "caching_sha2_password,sha256_password,"
	    "mysql_native_password,client_ed25519,parsec,auth_gssapi_client";
	bool sha2 = transport == CLIENT_PLAIN        ? key != NULL
		    : transport == CLIENT_UNVERIFIED ? client_verifies_ca()
						     : true;

	if (!insecure)
		mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH,
		    sha2 ? permitted : strstr(permitted, "mysql_native"));
	if (key == NULL && !insecure && transport == CLIENT_UNKNOWN)
		key = "/dev/null";
#else
	if (key == NULL && !insecure && transport >= CLIENT_UNKNOWN)
		key = "/dev/null";
#endif
	if (key != NULL)
		mysql_options(mysql, MYSQL_SERVER_PUBLIC_KEY, key);
}

/* client_keepalive - have the kernel probe a connected TCP connection that has
   been idle for so many seconds, 0: never, so that a firewall does not drop it;
   a dead one is detected after about twice that.  Both libraries switch the
   probes on, and by default the first one comes after two hours.  Failures are
   ignored: it works without. */
static inline void
client_keepalive(MYSQL *mysql, int idle)
{
	int on = idle > 0, interval = idle < 3 ? 1 : idle / 3; /* seconds */
	int probes = 3;
	int fd = mysql->net.fd;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (!on)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}
