/* SPDX-License-Identifier: MIT
 *
 * The HTTP side.  Owns the listening socket and libmicrohttpd's one thread, so
 * pages are made one at a time.  Connections and the time that they may be
 * silent are bounded; a failure to start is logged and returned, later ones
 * cost one answer.
 */
#include "config.h"

#include "server.h"
#include "address.h"
#include "log.h"
#include "page.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MOST 32
#define TIMEOUT_S 10u
#define MEMORY_MOST ((size_t)16384) /* of one connection's request */
#define BACKLOG 16

struct server {
	struct MHD_Daemon *daemon;
	const char *instance;
};

/* ------------------------------------------------------------- listening -- */

static void
say_listening(int fd)
{
	struct sockaddr_storage own;
	socklen_t length = sizeof(own);
	char host[64], port[16];

	if (getsockname(fd, (struct sockaddr *)&own, &length) == 0 &&
	    getnameinfo((struct sockaddr *)&own, length, host, sizeof(host),
		port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		log_info("listening on %s%s%s:%s",
		    strchr(host, ':') != NULL ? "[" : "", host,
		    strchr(host, ':') != NULL ? "]" : "", port);
}

/* Resolve numbers only: nobody is asked. */
static struct addrinfo *
resolve(const char *text)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *info;
	struct address address;
	const char *wrong = address_parse(&address, text);
	char port[16];

	if (wrong == NULL && address.port < 0)
		wrong = "has no port";
	if (wrong != NULL) {
		log_error("-l: \"%s\" %s; expected ADDRESS:PORT", text, wrong);
		return NULL;
	}
	snprintf(port, sizeof(port), "%d", address.port);
	int error = getaddrinfo(
	    *address.host == '\0' ? NULL : address.host, port, &hints, &info);
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
	int on = 1;

	if (info == NULL)
		return -1;
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, info->ai_addr, info->ai_addrlen) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		log_error("cannot listen on %s: %s", address, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	} else {
		say_listening(fd);
	}
	freeaddrinfo(info);
	return fd;
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
		return refuse(
		    connection, MHD_HTTP_NOT_FOUND, "there is no such page\n");
	/* The library leaves the body out for HEAD. */
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
		    "this can only be read\n");
	const struct page_query query = {
		.modid = argument(connection, "modid"),
		.cmdid = argument(connection, "cmdid"),
		.limit = argument(connection, "limit"),
	};
	if (!page_make(&page, server->instance, path, &query))
		return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
		    "memory is out\n");
	return queue(connection, page.status, page.type,
	    MHD_create_response_from_buffer(
		page.length, page.body, MHD_RESPMEM_MUST_FREE));
}

struct server *
server_start(int socket_fd, const char *instance)
{
	struct server *server = calloc(1, sizeof(*server));

	if (server != NULL) {
		server->instance = instance;
		server->daemon = MHD_start_daemon(
		    MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL,
		    NULL, answer, server, MHD_OPTION_LISTEN_SOCKET, socket_fd,
		    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MOST,
		    MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S,
		    MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_MOST,
		    MHD_OPTION_END);
	}
	if (server == NULL || server->daemon == NULL) {
		log_error("cannot start to answer: %s", strerror(errno));
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
