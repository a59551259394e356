/* SPDX-License-Identifier: MIT
 *
 * The handover, both sides.  Owns the socket and its file.
 */
#include "config.h"

#include "master/handover.h"
#include "lib/log.h"
#include "privilege/fdlimit.h"
#include "shm/faultpoint.h"
#include "shm/keep_errno.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARGIN_MS 5000 /* beyond what the running process may take to exit */

enum kind {
	KIND_ARK, /* with its descriptors */
	KIND_TAKEN,
	KIND_CANCELLED
};

/* One message.  Magic and version stay where they are. */
struct note {
	char magic[8];
	uint32_t version; /* ARK_VERSION */
	uint32_t kind;
	uint64_t end_ms; /* KIND_ARK */
};

static const char magic[8] = "rephand";

static int
note_send(int to, enum kind kind, uint64_t end_ms, const struct ark *ark)
{
	struct note note = {
		.version = ARK_VERSION, .kind = kind, .end_ms = end_ms
	};

	memcpy(note.magic, magic, sizeof(magic));
	return pass_send(
	    to, &note, sizeof(note), ark->part, (size_t)ark->count);
}

/* Receive a note within so many milliseconds, and the ark with it.  Returns 1;
   0 when the connection has ended; -1 with errno. */
static int
note_receive(int from, uint64_t wait_ms, struct note *note, struct ark *ark)
{
	struct pollfd pollfd = { .fd = from, .events = POLLIN };
	int fds[PASS_MAX];
	size_t count;
	ssize_t n;

	*note = (struct note){ .version = 0 };
	if (poll(&pollfd, 1, (int)wait_ms) == 0)
		errno = ETIMEDOUT;
	if (pollfd.revents == 0)
		return -1;
	n = pass_receive(from, note, sizeof(*note), fds, &count);
	/* The peer has closed without reading all that we sent. */
	if (n < 0 && errno == ECONNRESET)
		n = pass_receive(from, note, sizeof(*note), fds, &count);
	for (size_t i = 0; i < count; i++) {
		if (ark->count < ARK_PARTS)
			ark->part[ark->count++] = fds[i];
		else
			close(fds[i]);
	}
	if (n <= 0)
		return (int)n;
	if (memcmp(note->magic, magic, sizeof(magic)) == 0 &&
	    (note->version != ARK_VERSION || n == (ssize_t)sizeof(*note)))
		return 1;
	errno = EPROTO;
	return -1;
}

/* Returns 0, or -1 with errno: the path is cut. */
static int
address_make(
    struct sockaddr_un *address, const char *directory, const char *instance)
{
	size_t size = sizeof(address->sun_path);

	address->sun_family = AF_UNIX;
	if ((size_t)snprintf(address->sun_path, size, "%s/%s.ark", directory,
		instance) < size)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/* --------------------------------------------------- the running process -- */

void
handover_prepare(const char *directory, const char *user)
{
	const struct passwd *pw = *user != '\0' ? getpwnam(user) : NULL;

	if (mkdir(directory, 0755) == 0 && pw != NULL && geteuid() == 0 &&
	    chown(directory, pw->pw_uid, pw->pw_gid) < 0)
		rmdir(directory);
}

int
handover_listen(struct handover *h, const char *directory, const char *instance)
{
	const struct sockaddr *address = (const struct sockaddr *)&h->address;
	int rc = address_make(&h->address, directory, instance);
	mode_t mask = umask(0177);

	if (rc == 0)
		h->listening = socket(
		    AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (h->listening >= 0) {
		/* The instance is ours: a killed process left it. */
		unlink(h->address.sun_path);
		if (bind(h->listening, address, sizeof(h->address)) == 0 &&
		    listen(h->listening, 1) == 0) {
			umask(mask);
			return 0;
		}
	}
	umask(mask);
	log_warn("cannot listen on %s: %m; reporter -r will not be able to "
		 "take over",
	    h->address.sun_path);
	if (h->listening >= 0)
		close(h->listening);
	h->listening = -1;
	return -1;
}

static bool
may_take_over(int peer)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return false;
	if (who.uid == 0 || who.uid == geteuid())
		return true;
	log_warn("handover refused: process %d runs as user %d", (int)who.pid,
	    (int)who.uid);
	return false;
}

bool
handover_accept(struct handover *h)
{
	while (
	    (h->peer = accept4(h->listening, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (may_take_over(h->peer))
			return true;
		close(h->peer);
	}
	return false;
}

void
handover_cancel(struct handover *h)
{
	note_send(h->peer, KIND_CANCELLED, 0, &(struct ark){ .count = 0 });
	close(h->peer);
	h->peer = -1;
}

int
handover_give(struct handover *h, const struct ark *ark, uint64_t end_ms)
{
	struct ark none = { .count = 0 };
	struct note note;
	int rc = note_send(h->peer, KIND_ARK, end_ms, ark);

	FAULT_POINT("ark_sent");
	if (rc == 0)
		rc = note_receive(h->peer, HANDOVER_MS, &note, &none);
	ark_drop(&none);
	if (rc == 1 && note.version == ARK_VERSION && note.kind == KIND_TAKEN) {
		log_info("handed over to a new process");
		FAULT_POINT("ark_acknowledged");
		return 0;
	}
	log_warn("handover failed: %s; continuing",
	    rc < 0    ? strerror(errno)
	    : rc == 0 ? "the new process exited"
		      : "the new process did not accept it");
	handover_cancel(h);
	return -1;
}

void
handover_close(struct handover *h)
{
	if (h->listening < 0)
		return;
	unlink(h->address.sun_path);
	close(h->listening);
	h->listening = -1;
}

/* -------------------------------------------------------- the new process - */

/* Returns the connection, or -1 with errno. */
static int
handover_connect(const struct settings *s, struct sockaddr_un *address)
{
	int fd;

	if (address_make(address, s->runtime_directory, s->instance) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)address,
			   sizeof(*address)) < 0) {
		KEEP_ERRNO(close(fd));
		return -1;
	}
	return fd;
}

/* Receive the ark and open it.  Returns 0, or -1: logged. */
static int
receive_ark(int fd, const struct settings *s, struct ark_reader *arrived,
    uint64_t *end_ms)
{
	struct ark ark = { .count = 0 };
	const char *fault = NULL;
	struct note note;
	int rc = note_receive(fd, 2 * HANDOVER_MS, &note, &ark);

	FAULT_POINT("ark_received");
	if (rc <= 0)
		fault = rc < 0 ? strerror(errno) : "it has closed the socket";
	else if (note.version != ARK_VERSION)
		fault = "it has another version of the handover";
	else if (note.kind != KIND_ARK)
		fault = "it cannot hand over; see its log";
	else
		fault = ark_open(arrived, &ark, s->instance);
	ark_drop(&ark);
	*end_ms = note.end_ms;
	if (fault == NULL)
		return 0;
	log_error("cannot take over from the running process: %s", fault);
	return -1;
}

/* Confirm, and wait until the other process has exited.  Returns 0, or -1:
   logged. */
static int
wait_for_exit(int fd, uint64_t end_ms)
{
	struct ark none = { .count = 0 };
	struct note note;
	int rc;

	/* If this fails, what is received next is the reason. */
	note_send(fd, KIND_TAKEN, 0, &none);
	FAULT_POINT("ark_taken");
	rc = note_receive(fd, end_ms + MARGIN_MS, &note, &none);
	ark_drop(&none);
	if (rc == 0)
		return 0;
	log_error("cannot take over from the running process: %s",
	    rc < 0 ? strerror(errno) : "it continues; see its log");
	return -1;
}

int
handover_take(const struct settings *s, struct ark_reader *arrived)
{
	struct sockaddr_un address;
	uint64_t end_ms;
	int rc, fd;

	if (fdlimit_ensure(s->max_connections) < 0)
		return -1;
	fd = handover_connect(s, &address);
	if (fd < 0) {
		log_warn("nothing to take over at %s: %m; starting",
		    address.sun_path);
		return 0;
	}
	rc = receive_ark(fd, s, arrived, &end_ms);
	if (rc == 0) {
		FAULT_POINT("ark_opened");
		rc = wait_for_exit(fd, end_ms);
		FAULT_POINT("ark_waited");
	}
	close(fd);
	if (rc < 0)
		ark_close(arrived);
	return rc;
}
