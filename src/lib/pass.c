/* SPDX-License-Identifier: MIT
 *
 * Passing descriptors, see unix(7).
 */
#include "config.h"

#include "lib/pass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr header; /* aligns it */
	char room[CMSG_SPACE(PASS_MAX * sizeof(int))];
};

int
pass_send(int to, const void *bytes, size_t n, const int *fds, size_t count)
{
	union control control = { .room = { 0 } };
	struct iovec text = { .iov_base = (void *)(size_t)bytes, .iov_len = n };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };

	if (count > 0) {
		message.msg_control = control.room;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	}
	return sendmsg(to, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

ssize_t
pass_receive(int from, void *bytes, size_t size, int *fds, size_t *count)
{
	union control control;
	struct iovec text = { .iov_base = bytes, .iov_len = size };
	struct msghdr message = { .msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	*count = 0;
	if (c != NULL && c->cmsg_type == SCM_RIGHTS) {
		*count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), *count * sizeof(int));
	}
	if (n > 0 && message.msg_flags & MSG_CTRUNC) {
		while (*count > 0)
			close(fds[--*count]);
		errno = EMFILE;
		return -1;
	}
	return n;
}
