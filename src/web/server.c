/* SPDX-License-Identifier: MIT
 *
 * The HTTP side.  Owns the listening socket and libmicrohttpd's one thread, so
 * pages are made one at a time.  Connections, their idle time and the memory of
 * answers are bounded, and the one idle for longest makes room for a new one:
 * slow clients do not keep others from an answer.  A failure to start is logged
 * and returned, later ones cost one answer.
 */
#include "config.h"

#include "web/server.h"
#include "edge/bind.h"
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "web/files.h"
#include "web/page.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 128u
#define TIMEOUT_S 10u
#define MEMORY_MAX ((size_t)16384) /* of one connection's request */
#define SEND_BUFFER 131072         /* bytes */

/* An answer up to this size is kept for others who make the same request.  The
   bytes of larger ones are counted until they have been read; above HELD_MAX no
   more are made, and a client that reads for over HELD_MS is disconnected. */
#define KEPT 32
#define KEPT_SIZE ((size_t)65536)
#define HELD_MAX ((size_t)8 << 20)
#define HELD_MS 2000u

#define TEXT "text/plain; charset=utf-8"
#define TAG_TEXT 40

/* A connection; on the list until it is shut down. */
struct client {
	int fd; /* the library's */
	bool ending;
	bool begun;        /* the library's first call for this request was */
	uint64_t uri;      /* a hash of this request's, as it came */
	bool has_zero;     /* the URI has a byte 0 */
	size_t held;       /* bytes of a large answer */
	uint64_t since_ms; /* of the answer, monotonic */
	TAILQ_ENTRY(client) next;
};

/* An answer to all who ask while this is the tag. */
struct kept {
	char tag[TAG_TEXT];
	struct MHD_Response *response;
};

/* All but the settings is the library's thread's alone. */
struct server {
	struct MHD_Daemon *daemon;
	const struct server_settings *settings;
	TAILQ_HEAD(, client) clients; /* the one idle for longest first */
	unsigned count;               /* of clients */
	size_t held;                  /* bytes, of all */
	struct kept kept[KEPT];
	unsigned next; /* to be replaced */
};

/* ------------------------------------------------------------- listening -- */

int
server_listen(const char *text)
{
	struct addrinfo *info;
	struct address address;
	struct sockaddr_storage own;
	socklen_t length = sizeof(own);
	char shown[ADDRESS_TEXT];
	const char *reason = address_parse(&address, text);

	if (reason == NULL && address.port < 0)
		reason = "has no port";
	if (reason != NULL) {
		log_error("-l: \"%s\" %s; expected ADDRESS:PORT", text, reason);
		return -1;
	}
	/* No names: nothing is resolved. */
	int error = spec_resolve(text, AI_NUMERICHOST, &info);
	if (error != 0) {
		log_error("-l: \"%s\": %s; expected the address as a number",
		    text, gai_strerror(error));
		return -1;
	}
	int fd = socket_listen(info, false);
	if (fd < 0)
		log_error("cannot listen on %s: %m", text);
	else if (getsockname(fd, (struct sockaddr *)&own, &length) == 0)
		log_info("listening on %s",
		    address_text((struct sockaddr *)&own, shown));
	freeaddrinfo(info);
	return fd;
}

/* --------------------------------------------------------------- clients -- */

static void
client_leave(struct server *server, struct client *c)
{
	TAILQ_REMOVE(&server->clients, c, next);
	server->count--;
	c->ending = true;
}

/* The library sees the end of the connection, and closes it. */
static void
client_end(struct server *server, struct client *c)
{
	shutdown(c->fd, SHUT_RDWR);
	client_leave(server, c);
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
	/* The kernel would buffer megabytes for a client that does not read. */
	setsockopt(
	    c->fd, SOL_SOCKET, SO_SNDBUF, &(int){ SEND_BUFFER }, sizeof(int));
	TAILQ_INSERT_TAIL(&server->clients, c, next);
	if (++server->count > CONNECTIONS_MAX)
		client_end(server, TAILQ_FIRST(&server->clients));
}

static struct client *
client_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
	    ->socket_context;
}

/* Called by the library when a request begins, and when it ends. */
static void *
request_begin(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct client *c = client_of(connection);

	(void)cls;
	if (c == NULL)
		return NULL;
	c->has_zero = strstr(uri, "%00") != NULL;
	/* Nobody else can choose one with the same hash.  The 0 at the end
	   counts: a tag must not tell from what that of a longer one comes. */
	c->uri = 0;
	do
		c->uri = (uint64_t)look_hash(c->uri, (unsigned char)*uri)
			     << 32 |
			 look_hash((unsigned char)*uri, c->uri);
	while (*uri++ != '\0');
	return NULL;
}

static void
request_end(void *cls, struct MHD_Connection *connection, void **context,
    enum MHD_RequestTerminationCode code)
{
	struct server *server = cls;
	struct client *c = client_of(connection);

	(void)context, (void)code;
	if (c == NULL)
		return;
	server->held -= c->held;
	c->held = 0;
	c->begun = false;
}

/* Whether there is memory for an answer of any size.  If not, the client that
   has been reading for longest is disconnected. */
static bool
held_room(struct server *server)
{
	struct client *c, *oldest = NULL;

	if (server->held <= HELD_MAX)
		return true;
	TAILQ_FOREACH(c, &server->clients, next)
		if (c->held > 0 &&
		    (oldest == NULL || c->since_ms < oldest->since_ms))
			oldest = c;
	if (oldest != NULL && monotonic_ms() - oldest->since_ms > HELD_MS)
		client_end(server, oldest);
	return false;
}

/* ------------------------------------------------------------- answering -- */

/* Headers of every answer.  The page needs only what it is served with. */
static const char *const always[][2] = {
	{ "Content-Security-Policy",
	    "default-src 'none'; script-src 'self'; style-src 'self'; "
	    "img-src 'self'; connect-src 'self'; base-uri 'none'; "
	    "form-action 'none'; frame-ancestors 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
};

/* Add the headers.  tag: "" for an answer that is not to be stored. */
static void
headers_add(struct MHD_Response *response, const char *type, const char *tag)
{
	if (type != NULL)
		MHD_add_response_header(
		    response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
	    *tag == '\0' ? "no-store" : "no-cache");
	if (*tag != '\0') {
		MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, tag);
		MHD_add_response_header(response, MHD_HTTP_HEADER_VARY,
		    MHD_HTTP_HEADER_ACCEPT_ENCODING);
	}
	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		MHD_add_response_header(response, always[i][0], always[i][1]);
}

/* Queue a response and release it. */
static enum MHD_Result
queue(struct MHD_Connection *connection, unsigned status,
    struct MHD_Response *response)
{
	if (response == NULL)
		return MHD_NO;
	enum MHD_Result result =
	    MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* A response of bytes that stay. */
static struct MHD_Response *
response_constant(const void *bytes, size_t size)
{
	return MHD_create_response_from_buffer(
	    size, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result
refuse(struct MHD_Connection *connection, unsigned status, const char *text)
{
	struct MHD_Response *response = response_constant(text, strlen(text));

	if (response == NULL)
		return MHD_NO;
	headers_add(response, TEXT, "");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(
		    response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(
		    response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	return queue(connection, status, response);
}

static enum MHD_Result
refuse_large(struct MHD_Connection *connection)
{
	return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
	    "too many large answers are being read\n");
}

static const char *
header(struct MHD_Connection *connection, const char *name)
{
	const char *value =
	    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

	return value != NULL ? value : "";
}

/* Whether If-None-Match has the tag, in quotes: the client has that answer. */
static bool
is_known(struct MHD_Connection *connection, const char *tag)
{
	return strstr(header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH), tag) !=
	       NULL;
}

static enum MHD_Result
answer_unchanged(struct MHD_Connection *connection, const char *tag)
{
	struct MHD_Response *response = response_constant("", 0);

	if (response != NULL)
		headers_add(response, NULL, tag);
	return queue(connection, MHD_HTTP_NOT_MODIFIED, response);
}

/* DNS rebinding: a page of another site may have a name that resolves to this
   machine, and its scripts could then read our answers.  So only names given by
   the administrator are accepted. */
static bool
host_accepted(const struct server *server, const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	struct address address;

	if (*text == '\0') /* no browser */
		return true;
	if (address_parse(&address, text) != NULL)
		return false;
	if (inet_pton(AF_INET, address.host, bytes) == 1 ||
	    inet_pton(AF_INET6, address.host, bytes) == 1 ||
	    strcasecmp(address.host, "localhost") == 0)
		return true;
	for (unsigned i = 0; i < server->settings->hosts; i++)
		if (strcasecmp(server->settings->host[i], address.host) == 0)
			return true;
	return false;
}

/* ------------------------------------------------------------- the files -- */

static enum MHD_Result
answer_file(struct MHD_Connection *connection, const struct file *file)
{
	const struct asset *asset = file->asset;
	const char *accepted =
	    header(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING);
	bool packed = asset != NULL && strstr(accepted, "gzip") != NULL &&
		      strstr(accepted, "gzip;q=0") == NULL;
	char tag[TAG_TEXT] = "";
	struct MHD_Response *response;

	if (asset != NULL)
		snprintf(tag, sizeof(tag), "\"%s%s\"", asset->tag,
		    packed ? "-gz" : "");
	if (asset != NULL && is_known(connection, tag))
		return answer_unchanged(connection, tag);
	if (asset == NULL)
		response = MHD_create_response_from_fd(file->size, file->fd);
	else if (packed)
		response = response_constant(asset->packed, asset->packed_size);
	else
		response = response_constant(asset->plain, asset->plain_size);
	if (response == NULL) {
		if (asset == NULL)
			close(file->fd);
		return MHD_NO;
	}
	headers_add(response, file->type, tag);
	if (packed)
		MHD_add_response_header(
		    response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	return queue(connection, MHD_HTTP_OK, response);
}

/* ------------------------------------------------------------- the pages -- */

static enum MHD_Result
argument_add(
    void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	page_argument(cls, name, value);
	return MHD_YES;
}

/* The response that was made with the same tag, or NULL. */
static struct MHD_Response *
kept_find(const struct server *server, const char *tag)
{
	for (const struct kept *k = server->kept; k < server->kept + KEPT; k++)
		if (k->response != NULL && strcmp(k->tag, tag) == 0)
			return k->response;
	return NULL;
}

/* Keep a response for others, too; NULL: none. */
static void
kept_set(struct kept *kept, const char *tag, struct MHD_Response *response)
{
	if (kept->response != NULL)
		MHD_destroy_response(kept->response);
	snprintf(kept->tag, TAG_TEXT, "%s", tag);
	kept->response = response;
}

static enum MHD_Result
answer_page(struct server *server, struct MHD_Connection *connection,
    struct client *c, struct page *page)
{
	const char *limit = page->values[QUERY_LIMIT];
	char tag[TAG_TEXT] = "";

	/* Of the sample that it is made from, and of what is asked for; "" for
	   a page that is made from no sample. */
	if (page->sampled)
		snprintf(tag, sizeof(tag), "\"%" PRIx64 "-%016" PRIx64 "\"",
		    sampler_number(page->sampler), c->uri);
	if (*tag != '\0' && is_known(connection, tag))
		return answer_unchanged(connection, tag);
	struct MHD_Response *response = kept_find(server, tag);
	if (response != NULL)
		return MHD_queue_response(connection, MHD_HTTP_OK, response);
	/* Most are refused before they cost time; the page's own requests have
	   a limit of two digits, and small answers. */
	bool large = limit != NULL
			 ? strlen(limit) > 2
			 : strcmp(page->path, "/metrics/services") == 0;
	if (large && !held_room(server))
		return refuse_large(connection);
	if (!page_make(page))
		return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
		    "out of memory\n");
	if (page->length > KEPT_SIZE && !held_room(server)) {
		free(page->body);
		return refuse_large(connection);
	}
	response = MHD_create_response_from_buffer(
	    page->length, page->body, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		free(page->body);
		return MHD_NO;
	}
	if (page->status != MHD_HTTP_OK)
		*tag = '\0';
	headers_add(response, page->type, tag);
	if (page->length > KEPT_SIZE) {
		c->held = page->length;
		c->since_ms = monotonic_ms();
		server->held += c->held;
	} else if (*tag != '\0') {
		kept_set(&server->kept[server->next++ % KEPT], tag, response);
		return MHD_queue_response(connection, page->status, response);
	}
	return queue(connection, page->status, response);
}

static enum MHD_Result
answer(void *cls, struct MHD_Connection *connection, const char *path,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **context)
{
	struct server *server = cls;
	struct client *c = client_of(connection);
	struct page page = { .instance = server->settings->instance,
		.sampler = server->settings->sampler,
		.path = path };
	struct file file;

	(void)version, (void)upload, (void)context;
	if (c == NULL || c->ending || *upload_size > 0)
		return MHD_NO;
	/* The library leaves the body out for HEAD. */
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
		    "only GET and HEAD are allowed\n");
	/* An answer to the first of its two calls would close the connection,
	   since the library has not read the body yet. */
	if (!c->begun) {
		c->begun = true;
		return MHD_YES;
	}
	TAILQ_REMOVE(&server->clients, c, next);
	TAILQ_INSERT_TAIL(&server->clients, c, next);
	if (!host_accepted(server, header(connection, MHD_HTTP_HEADER_HOST)))
		return refuse(connection, MHD_HTTP_MISDIRECTED_REQUEST,
		    "this name is not served: see -H in reporter-web(8)\n");
	if (c->has_zero)
		return refuse(connection, MHD_HTTP_BAD_REQUEST,
		    "a byte 0 in the address\n");
	if (file_find(&file, server->settings->directory, path))
		return answer_file(connection, &file);
	if (!page_find(&page))
		return refuse(connection, MHD_HTTP_NOT_FOUND, "no such page\n");
	MHD_get_connection_values(
	    connection, MHD_GET_ARGUMENT_KIND, argument_add, &page);
	return answer_page(server, connection, c, &page);
}

struct server *
server_start(int fd, const struct server_settings *settings)
{
	struct server *server = calloc(1, sizeof(*server));

	if (server != NULL) {
		server->settings = settings;
		TAILQ_INIT(&server->clients);
		server->daemon = MHD_start_daemon(
		    MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL,
		    NULL, answer, server, MHD_OPTION_LISTEN_SOCKET, fd,
		    MHD_OPTION_CONNECTION_LIMIT, 2 * CONNECTIONS_MAX,
		    MHD_OPTION_NOTIFY_CONNECTION, clients_note, server,
		    MHD_OPTION_URI_LOG_CALLBACK, request_begin, server,
		    MHD_OPTION_NOTIFY_COMPLETED, request_end, server,
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
	for (unsigned i = 0; i < KEPT; i++)
		kept_set(&server->kept[i], "", NULL);
	free(server);
}
