/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "sql/login.h"

#include "sql/fault.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The client library has no finer time limits than seconds. */
static unsigned
seconds(unsigned ms)
{
	return ms == 0 ? 1 : ms / 1000 + (ms % 1000 != 0);
}

/* The longest packet that a server may send us.  Ours are shorter as well. */
#define PACKET_MAX ((size_t)32 << 20)

/* Over the network only: the server of a unix socket is on this machine, and
   no certificate names it. */
static bool
wants_tls(const struct db_options *options, const struct host *host)
{
	return !host_is_local(host) &&
	       (is_set(options->ssl_ca) || is_set(options->ssl_cert) ||
		   options->ssl_verify == DB_VERIFY_OFF);
}

static enum client_transport
transport(const struct db_options *options, const struct host *host)
{
	if (wants_tls(options, host))
		return options->ssl_verify == DB_VERIFY_OFF ? CLIENT_UNVERIFIED
							    : CLIENT_SAFE;
	return host_is_local(host)              ? CLIENT_SAFE
	       : is_set(options->defaults_file) ? CLIENT_UNKNOWN
						: CLIENT_PLAIN;
}

static void
set_tls(MYSQL *mysql, const struct db_options *options)
{
	/* With a CA file MariaDB's library verifies the server in any case. */
	if (options->ssl_verify != DB_VERIFY_OFF && is_set(options->ssl_ca))
		mysql_options(mysql, MYSQL_OPT_SSL_CA, options->ssl_ca);
	if (is_set(options->ssl_cert))
		mysql_options(mysql, MYSQL_OPT_SSL_CERT, options->ssl_cert);
	if (is_set(options->ssl_key))
		mysql_options(mysql, MYSQL_OPT_SSL_KEY, options->ssl_key);
	client_tls(mysql, true, options->ssl_verify);
}

#if HAVE_DECL_MYSQL_OPT_SSL_MODE
/* The client library's own function for sha256_password. */
static int (*sha256_auth)(MYSQL_PLUGIN_VIO *, MYSQL *);

static int
sha256_auth_by_tls(MYSQL_PLUGIN_VIO *vio, MYSQL *mysql)
{
	return mysql_get_ssl_cipher(mysql) != NULL ? sha256_auth(vio, mysql)
						   : CR_ERROR;
}

/* MySQL's library has an option not to request the server's key, but this
   plugin, which any server may name, ignores it whenever it has no file, or one
   that is no key.  Plugins belong to the process, and only one thread logs
   in. */
static void
restrict_sha256(MYSQL *mysql, bool tls_only)
{
	struct auth_plugin_t *plugin = (void *)mysql_client_find_plugin(
	    mysql, "sha256_password", MYSQL_CLIENT_AUTHENTICATION_PLUGIN);

	if (plugin == NULL)
		return;
	if (sha256_auth == NULL)
		sha256_auth = plugin->authenticate_user;
	plugin->authenticate_user = tls_only ? sha256_auth_by_tls : sha256_auth;
}
#endif

MYSQL *
login_new(const struct db_options *options, const struct host *host)
{
	unsigned connect = seconds(options->connect_timeout_ms);
	/* Ours, of a whole statement, comes first: see deadline.h. */
	unsigned wait = seconds(options->read_timeout_ms) + 1;
	size_t packet = PACKET_MAX;
	unsigned tcp = MYSQL_PROTOCOL_TCP, off = 0;
	MYSQL *mysql = mysql_init(NULL);

	if (mysql == NULL)
		return NULL;
	mysql->net.fd = -1; /* for deadline.c */
	if (is_set(options->defaults_file)) {
		mysql_options(
		    mysql, MYSQL_READ_DEFAULT_FILE, options->defaults_file);
		mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "reporter");
	}
	mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
	mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &wait);
	mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &wait);
	mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
	client_restrict_auth(mysql, options->insecure_auth,
	    or_null(options->server_public_key), transport(options, host));
#if HAVE_DECL_MYSQL_OPT_SSL_MODE
	restrict_sha256(mysql, !host_is_local(host) && !options->insecure_auth);
#endif
	/* A server has no business asking for our files. */
	mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	if (host->tcp)
		mysql_options(mysql, MYSQL_OPT_PROTOCOL, &tcp);
	if (wants_tls(options, host))
		set_tls(mysql, options);
	/* MySQL's library goes on without a CA, whatever is in the file. */
	else if (HAVE_DECL_MYSQL_OPT_SSL_MODE ||
		 !is_set(options->defaults_file))
		client_tls(mysql, false, DB_VERIFY_OFF);
	return mysql;
}

bool
login_connect(
    MYSQL *mysql, const struct db_options *options, const struct host *host)
{
	const char *socket =
	    host_is_local(host) ? or_null(options->socket) : NULL;

	return mysql_real_connect(mysql, or_null(host->name),
		   or_null(options->user), or_null(options->password),
		   or_null(options->database), host->port, socket, 0) != NULL;
}

const char *
login_unsupported(const struct db_options *options)
{
	if (options->ssl_verify != DB_VERIFY_CA || client_verifies_ca())
		return NULL;
	return "ca is not supported by MariaDB's client library from 3.4 on; "
	       "expected on or off";
}

const char *
login_read_fault(const char *path)
{
	struct stat st;

	if (access(path, R_OK) != 0 || stat(path, &st) != 0)
		return strerror(errno);
	return S_ISREG(st.st_mode) ? NULL : "not a regular file";
}

/* Notes a file that cannot be read, if there is one. */
static enum db_class
login_readable(struct link *link, const struct db_options *options)
{
	const char *const files[] = { options->defaults_file, options->ssl_ca,
		options->ssl_cert, options->ssl_key,
		options->server_public_key };
	char text[sizeof(link->error.text)];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		const char *why =
		    is_set(files[i]) ? login_read_fault(files[i]) : NULL;

		if (why == NULL)
			continue;
		snprintf(text, sizeof(text), "cannot read %.200s: %s", files[i],
		    why);
		return link_fail(link, DB_HOLD, 0, text);
	}
	return DB_OK;
}

/* Notes why there is no connection. */
static enum db_class
login_failed(struct link *link, bool cut)
{
	unsigned number = mysql_errno(link->mysql);
	const char *text = mysql_error(link->mysql);

	if (cut) {
		number = CR_SERVER_LOST;
		text = "no whole handshake within connect_timeout";
	} else if (number == CLIENT_AUTH_REFUSED) {
		text = "the account requires TLS (ssl_ca, ssl_verify) or the "
		       "public key of the server (server_public_key), or the "
		       "server the password as plain text or an old hash; see "
		       "insecure_auth in reporter.conf(5)";
	} else if (number == CR_UNKNOWN_ERROR ||
		   strstr(text, "requires secure connection") != NULL) {
		/* MariaDB's library reports no more than the first. */
		text = "the account requires TLS (ssl_ca, ssl_verify) or the "
		       "public key of the server (server_public_key); see "
		       "insecure_auth in reporter.conf(5)";
	} else if (number == 0) {
		number = CR_UNKNOWN_ERROR;
	}
	return link_fail_number(link, number, text);
}

enum db_class
login_open(struct link *link, const struct db_options *options,
    const struct host *host)
{
	const char *unsupported = login_unsupported(options);

	if (unsupported != NULL)
		return link_fail(link, DB_HOLD, 0, unsupported);
	if (login_readable(link, options) != DB_OK)
		return DB_HOLD;
	link->mysql = login_new(options, host);
	if (link->mysql == NULL)
		return link_fail(link, DB_WAIT_ROOM, CR_OUT_OF_MEMORY,
		    "no memory for a connection");
	unsigned pretended = fault_db("connect");
	if (pretended != 0)
		return link_fail_mysql(link, pretended);
	deadline_begin(
	    link->deadline, link->mysql, options->connect_timeout_ms);
	bool connected = login_connect(link->mysql, options, host);
	bool cut = deadline_end(link->deadline);
	if (!connected)
		return login_failed(link, cut);
	deadline_watch(link->deadline, link->mysql);
	/* MariaDB's library from 3.4 on requires it only of a server that it
	   verifies: see client_restrict_auth(). */
	if (wants_tls(options, host) &&
	    mysql_get_ssl_cipher(link->mysql) == NULL)
		return link_fail(link, DB_HOLD, CR_SSL_CONNECTION_ERROR,
		    "the server has no TLS");
	return DB_OK;
}
