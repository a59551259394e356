/* SPDX-License-Identifier: MIT
 *
 * The check of `reporter -t`: memory, the limit of open files, and who looks at
 * the files.  Owns nothing.  What needs another user's eyes, or would change
 * this process, is done in a forked child.  Everything wrong is complained
 * about; nothing ends the check before its end.
 */
#include "config.h"

#include "check/inspect.h"

#include "privilege/account.h"
#include "lib/memory.h"
#include "shm/segment.h"
#include "edge/tls_load.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB(bytes) ((double)(bytes) / (1 << 20))

/* -------------------------------------------------------------- memory ---- */

bool
inspect_room(
    uint64_t need, uint64_t space, uint64_t available, char *text, size_t size)
{
	const char *where = space < available ? "are free in /dev/shm"
					      : "of memory are available";
	uint64_t max = space < available ? space : available;

	if (need <= max)
		return true;
	snprintf(text, size,
	    "the workers' segments want %.1f MiB, %.1f MiB %s; lower "
	    "queue.ring_records, queue.table_keys or reporter.workers%s",
	    MIB(need), MIB(max), where,
	    space < available ? ", or enlarge /dev/shm" : "");
	return false;
}

/* Whether an instance that runs, or left records, has all these segments:
   then no more are made. */
static bool
segments_are_there(const struct settings *settings, uint64_t each)
{
	static char names[CHILDREN_MAX][SEGMENT_NAME_MAX];
	int n = segment_list(settings->instance, names, CHILDREN_MAX);
	uint64_t fit = 0;

	for (int i = 0; i < n && i < CHILDREN_MAX; i++) {
		char path[SEGMENT_NAME_MAX + 16];
		struct stat st;

		snprintf(path, sizeof(path), "/dev/shm/%s",
		    names[i] + (names[i][0] == '/'));
		fit += stat(path, &st) == 0 && (uint64_t)st.st_size == each;
	}
	return fit >= settings->workers;
}

static void
inspect_memory(const struct settings *settings, struct complaints *complaints)
{
	uint64_t each = segment_worker_size(
	    (uint32_t)settings->ring_records, (uint32_t)settings->table_keys);
	char fault[256];

	if (!segments_are_there(settings, each) &&
	    !inspect_room(each * settings->workers, segment_space(),
		memory_available(), fault, sizeof(fault)))
		inspect_option(
		    complaints, settings, "queue", "table_keys", "%s", fault);
}

/* ----------------------------------------------- with the user's eyes ---- */

/* Whether the process can become the user; complains when not. */
static bool
inspect_user(const struct settings *settings, struct complaints *complaints)
{
	const struct passwd *pw;

	if (settings->user[0] == '\0')
		return true;
	pw = getpwnam(settings->user);
	if (pw == NULL) {
		inspect_option(complaints, settings, "reporter", "user",
		    "there is no user %s; expected one of this machine",
		    settings->user);
		return false;
	}
	if (geteuid() != 0 && geteuid() != pw->pw_uid) {
		inspect_option(complaints, settings, "reporter", "user",
		    "only root can become %s, this is user %d; check it as "
		    "root, or as that user",
		    settings->user, (int)geteuid());
		return false;
	}
	return true;
}

/* The group to be in besides, when that can be. */
static gid_t
inspect_group(const struct settings *settings, struct complaints *complaints)
{
	const struct group *gr;

	if (settings->group[0] == '\0')
		return ACCOUNT_NO_GROUP;
	gr = getgrnam(settings->group);
	if (gr == NULL) {
		inspect_option(complaints, settings, "reporter", "group",
		    "there is no group %s; expected one of this machine",
		    settings->group);
		return ACCOUNT_NO_GROUP;
	}
	if (!account_may_join(gr->gr_gid)) {
		inspect_option(complaints, settings, "reporter", "group",
		    "this is user %d, who is not in group %s; start it as "
		    "root, or add the user to the group (systemd: "
		    "SupplementaryGroups=, PrivateUsers=no)",
		    (int)geteuid(), settings->group);
		return ACCOUNT_NO_GROUP;
	}
	return gr->gr_gid;
}

static void
inspect_descriptors(
    const struct settings *settings, struct complaints *complaints)
{
	uint64_t want;

	if (account_raise(settings->max_connections, &want) < 0)
		inspect_option(complaints, settings, "limits",
		    "max_connections",
		    "needs %" PRIu64 " open files, the limit cannot be raised "
		    "to that: %s; lower it, or raise the limit (ulimit -n, "
		    "LimitNOFILE)",
		    want, strerror(errno));
}

/* In a child: raise limits, become the user, look at files.  Its exit status
   is the number of complaints. */
static void __attribute__((noreturn))
look_as_user(const struct settings *settings, const char *path, FILE *out)
{
	struct complaints its = { .out = out };
	gid_t group = inspect_group(settings, &its);
	char *real = realpath(path, NULL);

	inspect_descriptors(settings, &its);
	if (account_become(settings->user, group) < 0)
		its.count++;
	else
		inspect_files(settings, path, real != NULL ? real : path, &its);
	free(real);
	fflush(out);
	_exit(its.count > 100 ? 100 : (int)its.count);
}

static void
inspect_as_user(const struct settings *settings, const char *path,
    struct complaints *complaints)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		look_as_user(settings, path, complaints->out);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		complain(complaints, path, NULL,
		    "its files cannot be checked: %s", strerror(errno));
	else if (WIFSIGNALED(status))
		complain(complaints, path, NULL,
		    "its files cannot be checked: the process that looked at "
		    "them ended by signal %d",
		    WTERMSIG(status));
	else
		complaints->count += (unsigned)WEXITSTATUS(status);
}

/* As who starts the daemon: the key is read before the master becomes the
   user. */
static void
inspect_certificates(
    const struct settings *settings, struct complaints *complaints)
{
	char reason[TLS_REASON_MAX];
	const char *option;
	struct tls *tls;

	if (tls_load(settings, &tls, &option, reason, sizeof(reason)))
		tls_free(tls);
	else
		inspect_option(
		    complaints, settings, "tls", option, "%s", reason);
}

void
inspect_machine(const struct settings *settings, const char *path,
    struct complaints *complaints)
{
	inspect_addresses(settings, complaints);
	inspect_memory(settings, complaints);
	inspect_certificates(settings, complaints);
	/* It is written before the master becomes the user. */
	inspect_pid_file(settings, complaints);
	if (inspect_user(settings, complaints))
		inspect_as_user(settings, path, complaints);
}
