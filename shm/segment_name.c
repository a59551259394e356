/* SPDX-License-Identifier: MIT
 *
 * Segments by name: what they are called, which there are, removing them and
 * setting them aside; and the texts of what can become of a call.  Any process
 * and thread; every failure is returned.
 */
#include "config.h"

#include "shm/segment.h"
#include "shm/faultpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "reporter."
#define SECRET ".secret"

const char *
shm_strerror(enum shm_status status, int error)
{
	static const char *const texts[] = {
		[SHM_OK] = "success",
		[SHM_MISSING] = "no such segment",
		[SHM_EXISTS] = "segment exists",
		[SHM_UNFINISHED] = "incomplete, holds no records",
		[SHM_VERSION] = "layout of another version",
		[SHM_DAMAGED] = "damaged: inconsistent header",
		[SHM_FOREIGN] = "owned by another user, or writable by others",
		[SHM_NO_SPACE] = "not enough room in /dev/shm",
		[SHM_BUSY] = "locked by another process",
	};

	return status == SHM_SYSTEM ? strerror(error) : NAME_OF(texts, status);
}

const char *
child_state_name(enum child_state state)
{
	static const char *const names[] = {
		[CHILD_NONE] = "none",
		[CHILD_STARTING] = "starting",
		[CHILD_RUNNING] = "running",
		[CHILD_FINISHING] = "finishing",
		[CHILD_WAITING] = "waiting",
		[CHILD_FAILED] = "failed",
		[CHILD_STOPPING] = "stopping",
	};

	return NAME_OF(names, state);
}

bool
segment_instance_ok(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < INSTANCE_MAX &&
	       strspn(name,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789_-") == length;
}

void
segment_name(
    char *name, const char *instance, uint64_t generation, uint32_t slot)
{
	snprintf(name, SEGMENT_NAME_MAX, "/" PREFIX "%s.%" PRIu64 ".%" PRIu32,
	    instance, generation, slot);
}

void
segment_name_master(char *name, const char *instance)
{
	snprintf(name, SEGMENT_NAME_MAX, "/" PREFIX "%s", instance);
}

void
segment_name_agents(char *name, const char *instance)
{
	snprintf(name, SEGMENT_NAME_MAX, "/" PREFIX "%s.agents", instance);
}

void
segment_name_secret(char *name, const char *segment)
{
	snprintf(name, SEGMENT_NAME_MAX, "%.80s" SECRET, segment);
}

uint64_t
segment_space(void)
{
	struct statvfs fs;

	if (statvfs(SHM_DIR, &fs) < 0)
		return 0;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

enum shm_status
segment_remove(const char *name)
{
	enum shm_status status = SHM_OK;
	char secret[SEGMENT_NAME_MAX];

	if (shm_unlink(name) < 0)
		status = errno == ENOENT ? SHM_MISSING : SHM_SYSTEM;
	FAULT_POINT("segment_half_removed");
	segment_name_secret(secret, name);
	if (status != SHM_SYSTEM)
		shm_unlink(secret);
	return status;
}

/* The secrets follow their segment, if it has any. */
static void
secret_set_aside(const char *from, const char *to)
{
	char from_secret[2 * SEGMENT_NAME_MAX], to_secret[3 * SEGMENT_NAME_MAX];

	snprintf(from_secret, sizeof(from_secret), "%s" SECRET, from);
	snprintf(to_secret, sizeof(to_secret), "%s" SECRET, to);
	rename(from_secret, to_secret);
}

enum shm_status
segment_set_aside(const char *name, char *aside, size_t size)
{
	char from[SEGMENT_NAME_MAX + sizeof(SHM_DIR)];
	uint64_t when = (uint64_t)time(NULL);

	snprintf(from, sizeof(from), SHM_DIR "%s", name);
	/* One that was set aside in the same second is not overwritten. */
	do {
		int length = snprintf(aside, size,
		    SHM_DIR "/set-aside." PREFIX "%s.%" PRIu64,
		    name + strlen("/" PREFIX), when++);
		if (length < 0 || (size_t)length >= size) {
			errno = ENAMETOOLONG;
			return SHM_SYSTEM;
		}
		if (renameat2(AT_FDCWD, from, AT_FDCWD, aside,
			RENAME_NOREPLACE) == 0) {
			secret_set_aside(from, aside);
			return SHM_OK;
		}
	} while (errno == EEXIST);
	return errno == ENOENT ? SHM_MISSING : SHM_SYSTEM;
}

/* By numbers: generation, then slot. */
static int
name_compare(const void *a, const void *b)
{
	return strverscmp(a, b);
}

int
segment_list(
    const char *instance, uid_t owner, char (*names)[SEGMENT_NAME_MAX], int max)
{
	DIR *dir = opendir(SHM_DIR);
	struct dirent *entry;
	uint64_t generation;
	uint32_t slot;
	struct stat st;
	int n = 0;

	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL) {
		char file[sizeof(entry->d_name) + 1], name[SEGMENT_NAME_MAX];

		snprintf(file, sizeof(file), "/%s", entry->d_name);
		if (sscanf(file, "/" PREFIX "%*[^.].%" SCNu64 ".%" SCNu32,
			&generation, &slot) != 2)
			continue;
		/* Only what we would write so: no "007", no "+7". */
		segment_name(name, instance, generation, slot);
		if (strcmp(name, file) != 0 ||
		    (owner != SEGMENT_ANYBODY &&
			(fstatat(dirfd(dir), entry->d_name, &st,
			     AT_SYMLINK_NOFOLLOW) < 0 ||
			    st.st_uid != owner)))
			continue;
		if (n < max)
			memcpy(names[n], name, sizeof(name));
		n++;
	}
	closedir(dir);
	if (n > 0 && max > 0)
		qsort(names, (size_t)(n < max ? n : max), sizeof(*names),
		    name_compare);
	return n;
}
