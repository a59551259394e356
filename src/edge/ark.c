/* SPDX-License-Identifier: MIT
 *
 * The ark.  The reader trusts nothing in it: all is checked before anything is
 * used.
 */
#include "config.h"

#include "edge/ark.h"
#include "edge/bind.h"
#include "lib/address.h"
#include "intake/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static const char magic[8] = "reparkA";

static_assert(sizeof(struct ark_header) == 72, "part of the format");
static_assert(sizeof(struct ark_conn) == 240, "part of the format");

/* ------------------------------------------------------ descriptors ------- */

union control {
	struct cmsghdr header; /* aligns it */
	char room[CMSG_SPACE(ARK_MESSAGE_FDS * sizeof(int))];
};

void
ark_drop(struct ark *ark)
{
	while (ark->count > 0)
		close(ark->part[--ark->count]);
}

int
ark_send(int to, const void *bytes, size_t n, const int *fds, int count)
{
	size_t size = (size_t)count * sizeof(int);
	union control control = { .room = { 0 } };
	struct iovec text = { .iov_base = (void *)(uintptr_t)bytes,
		.iov_len = n };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };

	if (count > 0) {
		message.msg_control = control.room;
		message.msg_controllen = CMSG_SPACE(size);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(&control.header), fds, size);
	}
	return sendmsg(to, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

ssize_t
ark_receive(int from, void *bytes, size_t n, int *fds, int *count)
{
	union control control;
	struct iovec text = { .iov_base = bytes, .iov_len = n };
	struct msghdr message = { .msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	ssize_t got = recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	*count = 0;
	if (c != NULL && c->cmsg_type == SCM_RIGHTS) {
		*count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), (size_t)*count * sizeof(int));
	}
	if (got > 0 && message.msg_flags & MSG_CTRUNC) {
		errno = EMFILE;
		return -1;
	}
	return got;
}

/* -------------------------------------------------------------- writing --- */

int
ark_begin(struct ark_writer *w, const char *instance, uint64_t max_age_ms)
{
	*w = (struct ark_writer){ .to = -1 };
	memcpy(w->header.magic, magic, sizeof(magic));
	w->header.version = ARK_VERSION;
	w->header.max_age_ms = max_age_ms;
	strncpy(w->header.instance, instance, sizeof(w->header.instance) - 1);
	w->file = open_memstream(&w->bytes, &w->size);
	/* Written again when the counts are known. */
	return w->file != NULL &&
		       fwrite(&w->header, sizeof(w->header), 1, w->file) == 1
		   ? 0
		   : -1;
}

static int
queue_add(struct ark_writer *w)
{
	int ends[2];

	if (w->ark.count == ARK_PARTS - 1) {
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
	if (w->to < 0 && queue_add(w) < 0)
		return -1;
	while (ark_send(w->to, &w->sockets, sizeof(w->sockets), w->batch,
		   w->batched) < 0)
		if (errno != EAGAIN || queue_add(w) < 0)
			return -1;
	w->sockets += (uint64_t)w->batched;
	w->header.connections = w->sockets - w->header.listeners;
	w->header.length = (uint64_t)ftello(w->file);
	w->batched = 0;
	return 0;
}

static size_t
padded(size_t buffered)
{
	return (buffered + 7) & ~(size_t)7;
}

int
ark_put(struct ark_writer *w, int fd, const struct ark_conn *entry,
    const uint8_t *bytes)
{
	static const uint8_t zero[8];
	size_t n;

	if (w->batched == ARK_MESSAGE_FDS && batch_send(w) < 0)
		return -1;
	w->batch[w->batched++] = fd;
	if (entry == NULL) {
		w->header.listeners++;
		return 0;
	}
	n = entry->buffered;
	if (fwrite(entry, sizeof(*entry), 1, w->file) != 1 ||
	    (n > 0 && fwrite(bytes, 1, n, w->file) != n) ||
	    fwrite(zero, 1, padded(n) - n, w->file) != padded(n) - n)
		return -1;
	return 0;
}

int
ark_end(struct ark_writer *w)
{
	int fd;

	/* If the ark is full, the last batch stays out. */
	if ((batch_send(w) < 0 && errno != ENOBUFS) || fflush(w->file) != 0)
		return -1;
	memcpy(w->bytes, &w->header, sizeof(w->header));
	fd = memfd_create("reporter-ark", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	w->ark.part[w->ark.count++] = fd;
	if (write(fd, w->bytes, w->header.length) != (ssize_t)w->header.length)
		return -1;
	return fcntl(fd, F_ADD_SEALS, SEALS);
}

void
ark_give_up(struct ark_writer *w)
{
	if (w->file != NULL)
		fclose(w->file);
	free(w->bytes);
	if (w->to >= 0)
		close(w->to);
	ark_drop(&w->ark);
}

/* -------------------------------------------------------------- reading --- */

/* The next `size` bytes of the memfd, or NULL. */
static const void *
take_bytes(struct ark_reader *r, size_t size)
{
	const uint8_t *bytes = r->bytes + r->at;

	if (r->length - r->at < size)
		return NULL;
	r->at += size;
	return bytes;
}

/* The next connection, or NULL. */
static const struct ark_conn *
take_conn(struct ark_reader *r, const uint8_t **bytes)
{
	const struct ark_conn *conn = take_bytes(r, sizeof(*conn));

	/* An input buffer never has more. */
	if (conn == NULL || conn->buffered > 2 * MESSAGE_MAX ||
	    conn->flags > ARK_FLAGS || conn->dialect > DIALECT_ELB ||
	    (conn->peer.sin6_family != AF_INET &&
		conn->peer.sin6_family != AF_INET6))
		return NULL;
	*bytes = take_bytes(r, padded(conn->buffered));
	return *bytes == NULL ? NULL : conn;
}

const char *
ark_parse(struct ark_reader *r, const uint8_t *bytes, size_t length,
    const char *instance)
{
	const struct ark_header *header;
	const uint8_t *buffered;

	*r = (struct ark_reader){ .bytes = bytes, .length = length };
	header = take_bytes(r, sizeof(*header));
	if (header == NULL || memcmp(header->magic, magic, sizeof(magic)) != 0)
		return "not an ark";
	if (header->version != ARK_VERSION)
		return "unknown version";
	if (strncmp(header->instance, instance, sizeof(header->instance)) != 0)
		return "of another instance";
	if (header->length != length || header->listeners > SOCKETS_MAX)
		return "damaged";
	for (uint64_t i = 0; i < header->connections; i++)
		if (take_conn(r, &buffered) == NULL)
			return "damaged";
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

/* Take the sockets out of a queue.  Returns NULL or the fault. */
static const char *
queue_empty(struct ark_reader *r, int queue)
{
	const char *fault = NULL;
	int fds[ARK_MESSAGE_FDS], count;
	uint64_t first = 0;
	ssize_t n;

	do {
		n = ark_receive(queue, &first, sizeof(first), fds, &count);
		for (int i = 0; i < count; i++, first++) {
			if (n == (ssize_t)sizeof(first) &&
			    first < sockets_of(r) && r->fds[first] < 0 &&
			    socket_is_tcp(
				fds[i], first < r->header.listeners)) {
				r->fds[first] = fds[i];
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
	memset(r->fds, -1, sockets * sizeof(int));
	for (int i = 0; i < ark->count && fault == NULL; i++)
		if (fcntl(ark->part[i], F_GET_SEALS) < 0)
			fault = queue_empty(r, ark->part[i]);
	for (uint64_t i = 0; i < sockets && fault == NULL; i++)
		if (r->fds[i] < 0)
			fault = "incomplete";
	return fault;
}

static const char *
take_ark(struct ark_reader *r, const struct ark *ark, const char *instance)
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
	fault = take_ark(r, ark, instance);
	if (fault != NULL)
		ark_close(r);
	ark_drop(ark);
	return fault;
}

int
ark_next(
    struct ark_reader *r, const struct ark_conn **entry, const uint8_t **bytes)
{
	int fd;

	*entry = NULL;
	if (r->next == sockets_of(r))
		return -1;
	if (r->next >= r->header.listeners)
		*entry = take_conn(r, bytes);
	fd = r->fds[r->next];
	r->fds[r->next++] = -1;
	return fd;
}

int
ark_put_rest(struct ark_writer *w, const struct ark_reader *rest)
{
	struct ark_reader r = *rest;
	const struct ark_conn *entry;
	const uint8_t *bytes = NULL;

	for (; r.next < sockets_of(&r); r.next++) {
		if (r.next < r.header.listeners)
			continue;
		entry = take_conn(&r, &bytes);
		if (entry == NULL ||
		    ark_put(w, r.fds[r.next], entry, bytes) < 0)
			return -1;
	}
	return 0;
}

void
ark_close(struct ark_reader *r)
{
	while (r->fds != NULL && r->next < sockets_of(r))
		if (r->fds[r->next++] >= 0)
			close(r->fds[r->next - 1]);
	free(r->fds);
	if (r->bytes != NULL)
		munmap((void *)(uintptr_t)r->bytes, r->length);
	*r = (struct ark_reader){ .bytes = NULL };
}
