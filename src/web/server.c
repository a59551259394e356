/* SPDX-License-Identifier: MIT
 *
 * The HTTP side.  Owns the listening socket and libmicrohttpd's one thread, so
 * pages are made one at a time.  Connections and their idle time are bounded,
 * and the oldest makes room for a new one: slow clients do not keep others from
 * an answer.  A failure to start is logged and returned, later ones cost one
 * answer.
 */
#include "config.h"

#include "web/server.h"
#include "edge/bind.h"
#include "lib/address.h"
#include "lib/log.h"
#include "web/page.h"

#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define CONNECTIONS_MAX 32u
#define TIMEOUT_S 10u
#define MEMORY_MAX ((size_t)16384) /* of one connection's request */

/* A connection; on the list until it is shut down. */
struct client {
	int fd; /* the library's */
	bool ending;
	TAILQ_ENTRY(client) next;
};

/* Clients are the library's thread's alone. */
struct server {
	struct MHD_Daemon *daemon;
	const char *instance;
	TAILQ_HEAD(, client) clients; /* the oldest first */
	unsigned held;                /* how many there are */
};

/* ------------------------------------------------------------- listening -- */

/* No names: nothing is resolved. */
static struct addrinfo *
resolve(const char *text)
{
	struct addrinfo *info;
	struct address address;
	const char *reason = address_parse(&address, text);

	if (reason == NULL && address.port < 0)
		reason = "has no port";
	if (reason != NULL) {
		log_error("-l: \"%s\" %s; expected ADDRESS:PORT", text, reason);
		return NULL;
	}
	int error = spec_resolve(text, AI_NUMERICHOST, &info);
	if (error == 0)
		return info;
	log_error("-l: \"%s\": %s; expected the address as a number", text,
	    gai_strerror(error));
	return NULL;
}

int
server_listen(const char *address)
{
	struct addrinfo *info = resolve(address);
	struct sockaddr_storage own;
	socklen_t length = sizeof(own);
	char text[ADDRESS_TEXT];

	if (info == NULL)
		return -1;
	int fd = socket_listen(info, false);
	if (fd < 0)
		log_error("cannot listen on %s: %m", address);
	else if (getsockname(fd, (struct sockaddr *)&own, &length) == 0)
		log_info("listening on %s",
		    address_text((struct sockaddr *)&own, text));
	freeaddrinfo(info);
	return fd;
}

/* --------------------------------------------------------------- clients -- */

static void
client_leave(struct server *server, struct client *c)
{
	TAILQ_REMOVE(&server->clients, c, next);
	server->held--;
	c->ending = true;
}

/* Called by the library when a connection begins or ends.  context: of the
   connection, ours to use.  One that there is no memory for is not counted. */
static void
clients_note(void *cls, struct MHD_Connection *connection, void **context,
    enum MHD_ConnectionNotificationCode code)
{
	struct server *server = cls;
	struct client *c = *context;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (c != NULL && !c->ending)
			client_leave(server, c);
		free(c);
		return;
	}
	*context = c = calloc(1, sizeof(*c));
	if (c == NULL)
		return;
	c->fd = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_CONNECTION_FD)
		    ->connect_fd;
	TAILQ_INSERT_TAIL(&server->clients, c, next);
	if (++server->held <= CONNECTIONS_MAX)
		return;
	/* Too many: the library sees the end of the oldest one, and closes
	   it. */
	c = TAILQ_FIRST(&server->clients);
	shutdown(c->fd, SHUT_RDWR);
	client_leave(server, c);
}

/* ------------------------------------------------------------- answering -- */

static enum MHD_Result
queue(struct MHD_Connection *connection, unsigned status, const char *type,
    struct MHD_Response *response)
{
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(
	    response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(
		    response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
refuse(struct MHD_Connection *connection, unsigned status, const char *text)
{
	union {
		const char *constant;
		void *buffer;
	} body = { .constant = text };

	return queue(connection, status, "text/plain; charset=utf-8",
	    MHD_create_response_from_buffer(
		strlen(text), body.buffer, MHD_RESPMEM_PERSISTENT));
}

static const char *
argument(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(
	    connection, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result
answer(void *cls, struct MHD_Connection *connection, const char *path,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **context)
{
	const struct server *server = cls;
	struct page page;

	(void)version, (void)upload, (void)upload_size, (void)context;
	if (!page_is_known(path))
		return refuse(connection, MHD_HTTP_NOT_FOUND, "no such page\n");
	/* The library leaves the body out for HEAD. */
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
		    "only GET and HEAD are allowed\n");
	struct page_query query = {
		.instance = server->instance,
		.modid = argument(connection, "modid"),
		.cmdid = argument(connection, "cmdid"),
		.limit = argument(connection, "limit"),
		.sort = argument(connection, "sort"),
	};
	query.others =
	    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, NULL,
		NULL) != (query.modid != NULL) + (query.cmdid != NULL) +
			     (query.limit != NULL) + (query.sort != NULL);
	if (!page_make(&page, path, &query))
		return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
		    "out of memory\n");
	return queue(connection, page.status, page.type,
	    MHD_create_response_from_buffer(
		page.length, page.body, MHD_RESPMEM_MUST_FREE));
}

struct server *
server_start(int fd, const char *instance)
{
	struct server *server = calloc(1, sizeof(*server));

	if (server != NULL) {
		server->instance = instance;
		TAILQ_INIT(&server->clients);
		server->daemon = MHD_start_daemon(
		    MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL,
		    NULL, answer, server, MHD_OPTION_LISTEN_SOCKET, fd,
		    MHD_OPTION_CONNECTION_LIMIT, 2 * CONNECTIONS_MAX,
		    MHD_OPTION_NOTIFY_CONNECTION, clients_note, server,
		    MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S,
		    MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_MAX,
		    MHD_OPTION_END);
	}
	if (server == NULL || server->daemon == NULL) {
		log_error("cannot start the HTTP server: %m");
		free(server);
		return NULL;
	}
	return server;
}

void
server_stop(struct server *server)
{
	MHD_stop_daemon(server->daemon);
	free(server);
}
