/* SPDX-License-Identifier: MIT
 *
 * The ark.  The reader trusts nothing in it: all is checked before anything is
 * used.
 */
#include "config.h"

#include "edge/ark.h"
#include "conf/listen_spec.h"
#include "intake/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define FLAGS \
	(ARK_HEADER | ARK_BALANCER | ARK_HALF_CLOSED | ARK_FOREIGN | \
	    ARK_EXPLAINED | ARK_SKEWED | ARK_SHOWN)

static const char magic[8] = "reparkA";

static_assert(sizeof(struct ark_header) == 72, "part of the format");
static_assert(sizeof(struct ark_conn) == 240, "part of the format");

void
ark_drop(struct ark *ark)
{
	while (ark->count > 0)
		close(ark->part[--ark->count]);
}

/* -------------------------------------------------------------- writing --- */

int
ark_begin(struct ark_writer *w, const char *instance, uint64_t max_age_ms)
{
	int file;

	*w = (struct ark_writer){ .to = -1 };
	memcpy(w->header.magic, magic, sizeof(magic));
	w->header.version = ARK_VERSION;
	w->header.max_age_ms = max_age_ms;
	strncpy(w->header.instance, instance, sizeof(w->header.instance) - 1);
	w->ark.part[0] =
	    memfd_create("reporter-ark", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (w->ark.part[0] < 0)
		return -1;
	w->ark.count = 1;
	file = fcntl(w->ark.part[0], F_DUPFD_CLOEXEC, 0);
	if (file < 0)
		return -1;
	w->file = fdopen(file, "w");
	if (w->file == NULL) {
		close(file);
		errno = ENOMEM;
		return -1;
	}
	/* Written again when the counts are known. */
	return fwrite(&w->header, sizeof(w->header), 1, w->file) == 1 ? 0 : -1;
}

static int
queue_add(struct ark_writer *w)
{
	int ends[2];

	if (w->ark.count == ARK_PARTS) {
		errno = ENOBUFS;
		return -1;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	if (w->to >= 0)
		close(w->to);
	w->to = ends[0];
	w->ark.part[w->ark.count++] = ends[1];
	return 0;
}

/* Put the batch into a queue: from then on its sockets are in the ark. */
static int
batch_send(struct ark_writer *w)
{
	off_t length;

	if (w->to < 0 && queue_add(w) < 0)
		return -1;
	while (pass_send(w->to, &w->sockets, sizeof(w->sockets), w->batch,
		   w->batched) < 0)
		if (errno != EAGAIN || queue_add(w) < 0)
			return -1;
	w->sockets += w->batched;
	w->batched = 0;
	length = ftello(w->file);
	w->header.length = (uint64_t)length;
	return length < 0 ? -1 : 0;
}

static int
batch_add(struct ark_writer *w, int fd)
{
	if (w->batched == PASS_MAX && batch_send(w) < 0)
		return -1;
	w->batch[w->batched++] = fd;
	return 0;
}

int
ark_put_listener(struct ark_writer *w, int fd)
{
	w->header.listeners++;
	return batch_add(w, fd);
}

static size_t
padded(size_t buffered)
{
	return (buffered + 7) & ~(size_t)7;
}

int
ark_put_conn(struct ark_writer *w, int fd, const struct ark_conn *conn,
    const uint8_t *bytes)
{
	static const uint8_t zero[8];
	size_t n = conn->buffered, padding = padded(n) - n;

	if (batch_add(w, fd) < 0 ||
	    fwrite(conn, sizeof(*conn), 1, w->file) != 1 ||
	    (n > 0 && fwrite(bytes, 1, n, w->file) != n) ||
	    fwrite(zero, 1, padding, w->file) != padding)
		return -1;
	return 0;
}

int
ark_end(struct ark_writer *w)
{
	/* If the ark is full, the last batch stays out. */
	if (batch_send(w) < 0 &&
	    (errno != ENOBUFS || w->sockets < w->header.listeners))
		return -1;
	w->header.connections = w->sockets - w->header.listeners;
	if (fflush(w->file) != 0 ||
	    ftruncate(w->ark.part[0], (off_t)w->header.length) < 0 ||
	    pwrite(w->ark.part[0], &w->header, sizeof(w->header), 0) !=
		(ssize_t)sizeof(w->header))
		return -1;
	/* A file that is open for writing cannot be sealed only if it is
	   mapped. */
	return fcntl(w->ark.part[0], F_ADD_SEALS, SEALS);
}

void
ark_give_up(struct ark_writer *w)
{
	if (w->file != NULL)
		fclose(w->file);
	w->file = NULL;
	if (w->to >= 0)
		close(w->to);
	w->to = -1;
	ark_drop(&w->ark);
}

/* -------------------------------------------------------------- reading --- */

/* The next `size` bytes of the state, or NULL. */
static const void *
take_bytes(struct ark_reader *r, size_t size)
{
	const uint8_t *bytes = r->bytes + r->at;

	if (r->length - r->at < size)
		return NULL;
	r->at += size;
	return bytes;
}

static const struct ark_conn *
take_conn(struct ark_reader *r, const uint8_t **bytes)
{
	const struct ark_conn *conn = take_bytes(r, sizeof(*conn));

	/* An input buffer never has more. */
	if (conn == NULL || conn->buffered > 2 * MESSAGE_MAX)
		return NULL;
	*bytes = take_bytes(r, padded(conn->buffered));
	return *bytes == NULL ? NULL : conn;
}

static const char *
check_header(
    const struct ark_header *header, size_t length, const char *instance)
{
	if (memcmp(header->magic, magic, sizeof(magic)) != 0)
		return "not an ark";
	if (header->version != ARK_VERSION)
		return "unknown version";
	if (header->length != length || header->listeners > SOCKETS_MAX)
		return "damaged";
	if (strncmp(header->instance, instance, sizeof(header->instance)) != 0)
		return "of another instance";
	return NULL;
}

static bool
conn_is_valid(const struct ark_conn *conn)
{
	return (conn->peer.sin6_family == AF_INET ||
		   conn->peer.sin6_family == AF_INET6) &&
	       (conn->flags & ~(uint32_t)FLAGS) == 0 &&
	       conn->dialect <= DIALECT_ELB;
}

const char *
ark_parse(struct ark_reader *r, const uint8_t *bytes, size_t length,
    const char *instance)
{
	const struct ark_conn *conn;
	const struct ark_header *header;
	const char *fault;
	const uint8_t *buffered;

	*r = (struct ark_reader){ .bytes = bytes, .length = length };
	header = take_bytes(r, sizeof(*header));
	if (header == NULL)
		return "damaged";
	fault = check_header(header, length, instance);
	if (fault != NULL)
		return fault;
	for (uint64_t i = 0; i < header->connections; i++) {
		conn = take_conn(r, &buffered);
		if (conn == NULL || !conn_is_valid(conn))
			return "damaged";
	}
	if (r->at != length)
		return "damaged";
	r->at = sizeof(*header);
	r->header = *header;
	return NULL;
}

static uint64_t
sockets_of(const struct ark_reader *r)
{
	return r->header.listeners + r->header.connections;
}

static bool
socket_is(int fd, bool listening)
{
	int family = 0, type = 0, accepts = -1;
	socklen_t size = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) ==
		   0 &&
	       (family == AF_INET || family == AF_INET6) &&
	       type == SOCK_STREAM && accepts == listening;
}

/* Take the sockets out of a queue.  Returns NULL or the fault. */
static const char *
queue_empty(struct ark_reader *r, int queue)
{
	const char *fault = NULL;
	int fds[PASS_MAX];
	uint64_t first = 0;
	size_t count;
	ssize_t n;

	do {
		n = pass_receive(queue, &first, sizeof(first), fds, &count);
		for (size_t i = 0; i < count; i++) {
			uint64_t at = first + i;

			if (n == (ssize_t)sizeof(first) && at >= first &&
			    at < sockets_of(r) && r->fds[at] < 0 &&
			    socket_is(fds[i], at < r->header.listeners)) {
				r->fds[at] = fds[i];
			} else {
				fault = "damaged";
				close(fds[i]);
			}
		}
	} while (n > 0 && fault == NULL);
	return n < 0 && errno != EAGAIN ? strerror(errno) : fault;
}

static const char *
take_sockets(struct ark_reader *r, const struct ark *ark)
{
	uint64_t sockets = sockets_of(r);
	const char *fault = NULL;

	r->fds = malloc((sockets + 1) * sizeof(int));
	if (r->fds == NULL)
		return "out of memory";
	for (uint64_t i = 0; i < sockets; i++)
		r->fds[i] = -1;
	/* Receiving from the memfd fails, as it should: it is no queue. */
	for (int i = 0; i < ark->count && fault == NULL; i++)
		if (fcntl(ark->part[i], F_GET_SEALS) < 0)
			fault = queue_empty(r, ark->part[i]);
	for (uint64_t i = 0; i < sockets && fault == NULL; i++)
		if (r->fds[i] < 0)
			fault = "incomplete";
	return fault;
}

static const char *
map_state(struct ark_reader *r, const struct ark *ark, const char *instance)
{
	const char *fault;
	struct stat st;
	void *bytes;
	int i = 0;

	/* Without all its seals it might change or shrink while it is read. */
	while (i < ark->count && fcntl(ark->part[i], F_GET_SEALS) != SEALS)
		i++;
	if (i == ark->count || fstat(ark->part[i], &st) < 0 || st.st_size <= 0)
		return "incomplete";
	bytes = mmap(
	    NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, ark->part[i], 0);
	if (bytes == MAP_FAILED)
		return "out of memory";
	fault = ark_parse(r, bytes, (size_t)st.st_size, instance);
	return fault != NULL ? fault : take_sockets(r, ark);
}

const char *
ark_open(struct ark_reader *r, struct ark *ark, const char *instance)
{
	const char *fault;

	*r = (struct ark_reader){ .bytes = NULL };
	fault = map_state(r, ark, instance);
	if (fault != NULL)
		ark_close(r);
	ark_drop(ark);
	return fault;
}

int
ark_next_listener(struct ark_reader *r)
{
	int fd = -1;

	if (r->next < r->header.listeners) {
		fd = r->fds[r->next];
		r->fds[r->next++] = -1;
	}
	return fd;
}

int
ark_next_conn(
    struct ark_reader *r, const struct ark_conn **conn, const uint8_t **bytes)
{
	int fd = -1;

	if (r->next < sockets_of(r)) {
		*conn = take_conn(r, bytes);
		fd = r->fds[r->next];
		r->fds[r->next++] = -1;
	}
	return fd;
}

void
ark_close(struct ark_reader *r)
{
	for (uint64_t i = 0; r->fds != NULL && i < sockets_of(r); i++)
		if (r->fds[i] >= 0)
			close(r->fds[i]);
	free(r->fds);
	if (r->bytes != NULL)
		munmap((void *)(uintptr_t)r->bytes, r->length);
	*r = (struct ark_reader){ .bytes = NULL };
}
