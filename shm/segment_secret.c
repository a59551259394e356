/* SPDX-License-Identifier: MIT
 *
 * The secrets of a segment, and its lock, which is of their file.  Any process
 * may call it, one thread at a time; every failure is returned.
 */
#include "config.h"

#include "shm/segment_secret.h"
#include "shm/faultpoint.h"
#include "shm/keep_errno.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECRET_MODE 0600

int
segment_secret_fill(void *bytes, size_t size)
{
	ssize_t n;

	do
		n = getrandom(bytes, size, 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)size ? 0 : -1;
}

enum shm_status
segment_secret_make(const char *segment, const uint64_t secret[2])
{
	const size_t size = 2 * sizeof(*secret);
	char name[SEGMENT_NAME_MAX];

	segment_name_secret(name, segment);
	/* One of a segment that is gone, after a kill: its name is ours now. */
	shm_unlink(name);
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, SECRET_MODE);
	if (fd < 0)
		return errno == EEXIST ? SHM_EXISTS : SHM_SYSTEM;
	FAULT_POINT("segment_secret_empty");
	enum shm_status status = SHM_OK;
	if (write(fd, secret, size) != (ssize_t)size)
		status = errno == ENOSPC ? SHM_NO_SPACE : SHM_SYSTEM;
	KEEP_ERRNO(close(fd));
	return status;
}

/* Open the secrets of a segment that was opened for writing.  fd: filled in
   if SHM_OK. */
static enum shm_status
secret_open(const char *segment, int *fd)
{
	char name[SEGMENT_NAME_MAX];
	enum shm_status status = SHM_OK;
	struct stat st;

	segment_name_secret(name, segment);
	*fd = shm_open(name, O_RDONLY | O_NONBLOCK, 0);
	if (*fd < 0)
		return errno == ENOENT || errno == EACCES ? SHM_DAMAGED
							  : SHM_SYSTEM;
	if (fstat(*fd, &st) < 0)
		status = SHM_SYSTEM;
	else if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		status = SHM_FOREIGN;
	else if (!S_ISREG(st.st_mode))
		status = SHM_DAMAGED;
	if (status != SHM_OK) {
		KEEP_ERRNO(close(*fd));
		*fd = -1;
	}
	return status;
}

enum shm_status
segment_secret_read(const char *segment, uint64_t secret[2])
{
	/* One byte more shows a file that is too long. */
	char bytes[2 * sizeof(*secret) + 1];
	int fd;
	enum shm_status status = secret_open(segment, &fd);

	if (status != SHM_OK)
		return status;
	if (read(fd, bytes, sizeof(bytes)) != sizeof(bytes) - 1)
		status = SHM_DAMAGED;
	memcpy(secret, bytes, sizeof(bytes) - 1);
	KEEP_ERRNO(close(fd));
	return status;
}

/* --------------------------------------------------------------- locking -- */

void
segment_show_holder(const struct segment *segment)
{
	struct flock lock = { .l_type = F_WRLCK };
	bool worker = segment->header.kind == SEGMENT_WORKER;

	fcntl(segment->fd, worker ? F_OFD_SETLK : F_SETLK, &lock);
}

enum shm_status
segment_lock_open(struct segment *segment)
{
	if (segment->fd < 0) {
		errno = EBADF;
		return SHM_SYSTEM;
	}
	return segment->lock >= 0 ? SHM_OK
				  : secret_open(segment->name, &segment->lock);
}

enum shm_status
segment_leads_to(const char *name, int fd)
{
	char path[SEGMENT_NAME_MAX + sizeof(SHM_DIR)];
	struct stat ours, named;

	snprintf(path, sizeof(path), SHM_DIR "%s", name);
	if (lstat(path, &named) < 0)
		return errno == ENOENT ? SHM_MISSING : SHM_SYSTEM;
	if (fd < 0)
		return SHM_OK;
	if (fstat(fd, &ours) < 0)
		return SHM_SYSTEM;
	return ours.st_ino == named.st_ino ? SHM_OK : SHM_MISSING;
}

bool
segment_taken(const char *name)
{
	char secret[SEGMENT_NAME_MAX];

	segment_name_secret(secret, name);
	return segment_leads_to(name, -1) != SHM_MISSING ||
	       segment_leads_to(secret, -1) != SHM_MISSING;
}

enum shm_status
segment_lock(struct segment *segment, int timeout_ms)
{
	const struct timespec nap = { 0, 10 * 1000000L };
	enum shm_status status = segment_lock_open(segment);

	if (status != SHM_OK) {
		/* Its holder before may have removed both as its last act. */
		enum shm_status named =
		    segment_leads_to(segment->name, segment->fd);
		return named == SHM_OK ? status : named;
	}
	for (int waited = 0; flock(segment->lock, LOCK_EX | LOCK_NB) < 0;
	     waited += 10) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return SHM_SYSTEM;
		if (waited >= timeout_ms)
			return SHM_BUSY;
		nanosleep(&nap, NULL);
	}
	segment_show_holder(segment);
	return SHM_OK;
}

pid_t
segment_holder(const char *name)
{
	/* Conflicts with what segment_show_holder() takes, not with readers'
	 * locks. */
	struct flock lock = { .l_type = F_RDLCK };
	int fd = shm_open(name, O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0)
		return 0;
	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		lock.l_pid = 0;
	else if (lock.l_pid == 0)
		lock.l_pid = -1;
	close(fd);
	return lock.l_pid;
}
