/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "master/handover.h"
#include "lib/log.h"
#include "privilege/privilege.h"
#include "shm/faultpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MARGIN_MS 2000 /* beyond what the running process may take to exit */

/* One message.  `version` comes first in every version of it. */
struct note {
	uint32_t version; /* ARK_VERSION */
	enum kind {
		KIND_ARK, /* with its descriptors */
		KIND_TAKEN,
		KIND_CANCELLED
	} kind;
	uint64_t end_ms;   /* KIND_ARK */
	uint64_t segments; /* SEGMENT_VERSION */
};

static int
note_send(int to, enum kind kind, uint64_t end_ms, const struct ark *ark)
{
	struct note note = { ARK_VERSION, kind, end_ms, SEGMENT_VERSION };

	return ark_send(to, &note, sizeof(note), ark->part, ark->count);
}

/* Receive a note within so many milliseconds, and the ark with it.  Returns 1;
   0 when the connection has ended; -1 with errno. */
static int
note_receive(int from, uint64_t wait_ms, struct note *note, struct ark *ark)
{
	struct pollfd pollfd = { .fd = from, .events = POLLIN };
	int fds[ARK_MESSAGE_FDS], count;
	ssize_t n;

	*note = (struct note){ .version = 0 };
	if (poll(&pollfd, 1, wait_ms < INT_MAX ? (int)wait_ms : INT_MAX) <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	n = ark_receive(from, note, sizeof(*note), fds, &count);
	/* The peer has closed without reading all that we sent. */
	if (n < 0 && errno == ECONNRESET)
		n = ark_receive(from, note, sizeof(*note), fds, &count);
	while (count > 0)
		if (ark->count < ARK_PARTS)
			ark->part[ark->count++] = fds[--count];
		else
			close(fds[--count]);
	if (n <= 0)
		return (int)n;
	if (n == (ssize_t)sizeof(*note) && note->version == ARK_VERSION)
		return 1;
	errno = EPROTO;
	return -1;
}

/* Set the address, and create a socket for it.  Returns the socket, or -1 with
   errno. */
static int
handover_socket(const struct settings *s, struct sockaddr_un *address)
{
	size_t size = sizeof(address->sun_path);

	address->sun_family = AF_UNIX;
	if ((size_t)snprintf(address->sun_path, size, "%s/%s.ark",
		s->runtime_directory, s->instance) >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

/* --------------------------------------------------- the running process -- */

void
handover_prepare(const struct settings *s)
{
	const struct passwd *pw = *s->user != '\0' ? getpwnam(s->user) : NULL;

	if (mkdir(s->runtime_directory, 0755) == 0 && pw != NULL &&
	    geteuid() == 0 &&
	    lchown(s->runtime_directory, pw->pw_uid, pw->pw_gid) < 0)
		rmdir(s->runtime_directory);
}

int
handover_listen(struct handover *h, const struct settings *s)
{
	const struct sockaddr *address = (const struct sockaddr *)&h->address;
	mode_t mask;
	int rc = -1;

	if (*s->runtime_directory == '\0')
		return -1;
	h->listening = handover_socket(s, &h->address);
	if (h->listening >= 0) {
		/* The instance is ours: a killed process left it. */
		unlink(h->address.sun_path);
		mask = umask(0177);
		rc = bind(h->listening, address, sizeof(h->address));
		umask(mask);
	}
	if (rc == 0 && listen(h->listening, 1) == 0)
		return 0;
	log_warn("cannot listen on %s: %m; reporter -r will not be able to "
		 "take over",
	    h->address.sun_path);
	if (h->listening >= 0)
		close(h->listening);
	h->listening = -1;
	return -1;
}

bool
handover_accept(struct handover *h)
{
	struct pollfd pollfd = { .fd = h->listening, .events = POLLIN };
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(who);

	if (poll(&pollfd, 1, 0) <= 0 ||
	    (h->peer = accept4(h->listening, NULL, NULL, SOCK_CLOEXEC)) < 0)
		return false;
	getsockopt(h->peer, SOL_SOCKET, SO_PEERCRED, &who, &size);
	if (who.uid == 0 || who.uid == geteuid())
		return true;
	log_warn("handover refused: process %d runs as user %d", (int)who.pid,
	    (int)who.uid);
	close(h->peer);
	h->peer = -1;
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
	if (rc == 1 && note.kind == KIND_TAKEN) {
		h->adopts = note.segments == SEGMENT_VERSION;
		log_info("handed over to a new process");
		FAULT_POINT("ark_acknowledged");
		return 0;
	}
	log_warn("handover failed: %s; continuing",
	    rc < 0 ? strerror(errno) : "the new process did not take over");
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

#define IT_CONTINUES "it continues; see its log"

static int
cannot_take_over(const char *fault)
{
	log_error("cannot take over from the running process: %s", fault);
	return -1;
}

/* Receive the ark.  Returns NULL or the fault. */
static const char *
receive(struct handover *h, const char *instance, struct ark_reader *arrived)
{
	struct ark ark = { .count = 0 };
	const char *fault;
	struct note note;
	int rc = note_receive(h->peer, 2 * HANDOVER_MS, &note, &ark);

	FAULT_POINT("ark_received");
	h->end_ms = note.end_ms;
	fault = rc < 0 ? strerror(errno)
		: rc == 0 || note.kind != KIND_ARK
		    ? IT_CONTINUES
		    : ark_open(arrived, &ark, instance);
	ark_drop(&ark);
	FAULT_POINT("ark_opened");
	return fault;
}

int
handover_ask(
    struct handover *h, const struct settings *s, struct ark_reader *arrived)
{
	struct sockaddr_un address;
	const char *fault;

	if (*s->runtime_directory == '\0') {
		log_error("cannot take over: reporter.runtime_directory is "
			  "empty");
		return -1;
	}
	if (fdlimit_ensure(s->max_connections) < 0)
		return -1;
	h->peer = handover_socket(s, &address);
	if (h->peer < 0 || connect(h->peer, (const struct sockaddr *)&address,
			       sizeof(address)) < 0) {
		log_warn("nothing to take over at %s: %m; starting",
		    address.sun_path);
		if (h->peer >= 0)
			close(h->peer);
		h->peer = -1;
		return 0;
	}
	fault = receive(h, s->instance, arrived);
	if (fault == NULL)
		return 0;
	return cannot_take_over(fault);
}

int
handover_confirm(struct handover *h)
{
	struct pollfd process = { .events = POLLIN };
	struct ark none = { .count = 0 };
	struct ucred who = { .pid = 0 };
	socklen_t size = sizeof(who);
	struct note note;

	getsockopt(h->peer, SOL_SOCKET, SO_PEERCRED, &who, &size);
	process.fd = (int)syscall(SYS_pidfd_open, who.pid, 0);
	log_info("taking over from process %d, which may take %" PRIu64
		 " s to exit",
	    (int)who.pid, h->end_ms / 1000);
	/* If this fails, what is received next is the reason. */
	note_send(h->peer, KIND_TAKEN, 0, &none);
	FAULT_POINT("ark_taken");
	int rc = note_receive(h->peer, h->end_ms + MARGIN_MS, &note, &none);
	ark_drop(&none);
	FAULT_POINT("ark_waited");
	close(h->peer);
	h->peer = -1;
	/* From now on the connections are ours alone.  One that is killed
	   closes its sockets before it releases its locks. */
	if (rc != 1 && process.fd >= 0 && poll(&process, 1, MARGIN_MS) == 0) {
		log_warn("process %d has not exited in time: killing it; what "
			 "it has not stored is in shared memory",
		    (int)who.pid);
		syscall(SYS_pidfd_send_signal, process.fd, SIGKILL, NULL, 0);
		poll(&process, 1, MARGIN_MS);
	}
	if (process.fd >= 0)
		close(process.fd);
	if (rc != 1)
		return 0;
	return cannot_take_over(IT_CONTINUES);
}
