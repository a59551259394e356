/* SPDX-License-Identifier: MIT
 *
 * The check of `reporter -t`: addresses, users, memory, open files.  What has
 * to be done as another user, or would change this process, is done in a
 * forked child.  No fault ends the check.
 */
#include "config.h"

#include "check/inspect.h"

#include "edge/bind.h"
#include "edge/tls.h"
#include "conf/secret.h"
#include "lib/process.h"
#include "shm/keep_errno.h"
#include "privilege/privilege.h"
#include "shm/segment.h"
#include "sql/db.h"
#include "sql/host.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <netdb.h>
#include <pwd.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK_MEMORY (256u << 20) /* what answers of a database may take */

#define MIB(bytes) ((double)(bytes) / (1 << 20))

/* ------------------------------------------------------------ addresses --- */

/* Why the address cannot be listened on, or NULL.  It is tried with a port that
   the kernel chooses, so that a running instance does not interfere, and nobody
   can connect. */
static const char *
bind_fault(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *fault = NULL;

	/* The port has the same place in an IPv6 address. */
	((struct sockaddr_in *)(void *)ai->ai_addr)->sin_port = 0;
	if (fd < 0 || bind(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		fault = strerror(errno);
	if (fd >= 0)
		close(fd);
	return fault;
}

/* Why none of the addresses that a word of `listen` stands for can be listened
   on, or NULL: one is enough, as for the master. */
static const char *
listen_fault(const char *word)
{
	struct listen_spec spec;
	struct addrinfo *found;

	listen_spec_parse(&spec, word);
	int error = spec_resolve(spec.address, 0, &found);
	if (error != 0)
		return gai_strerror(error);
	const char *fault = bind_fault(found);
	for (struct addrinfo *ai = found->ai_next; ai != NULL && fault != NULL;
	     ai = ai->ai_next)
		fault = bind_fault(ai);
	freeaddrinfo(found);
	return fault;
}

static void
inspect_listen(const struct settings *settings, struct complaints *complaints)
{
	for (size_t i = 0; i < settings->listen.count; i++) {
		const char *word = settings->listen.words[i];
		const char *fault = listen_fault(word);

		if (fault != NULL)
			settings_complain(complaints, settings, "reporter",
			    "listen",
			    "cannot listen on %s: %s; expected an address of "
			    "this machine",
			    word, fault);
	}
}

/* Warn of database hosts that have no address now: the start does not need
   them.  In a child, which waits for a name server 2 seconds and not 10. */
static void
inspect_hosts(const struct settings *settings, FILE *out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct complaints warnings = { .out = out };

	setenv("RES_OPTIONS", "timeout:2 attempts:1", 0);
	res_init();
	for (size_t i = 0; i < settings->host.count; i++) {
		const char *word = settings->host.words[i];
		struct addrinfo *found;
		struct host host;

		if (!host_read(&host, word) || host_is_local(&host))
			continue;
		int error = getaddrinfo(host.name, NULL, &hints, &found);
		if (error == 0)
			freeaddrinfo(found);
		else
			settings_complain(&warnings, settings, "mysql", "host",
			    "warning: %s has no address: %s; expected a name "
			    "in /etc/hosts or the DNS",
			    host.name, gai_strerror(error));
	}
}

/* -------------------------------------------------------------- memory ---- */

bool
inspect_room(
    uint64_t need, uint64_t space, uint64_t available, char *text, size_t size)
{
	const char *where =
	    space < available ? "free in /dev/shm" : "of memory available";
	uint64_t max = space < available ? space : available;

	if (need <= max)
		return true;
	snprintf(text, size,
	    "the workers' segments need %.1f MiB, with %.1f MiB %s; lower "
	    "queue.ring_records, queue.table_keys or reporter.workers%s",
	    MIB(need), MIB(max), where,
	    space < available ? ", or enlarge /dev/shm" : "");
	return false;
}

/* Whether an instance that runs, or left records, has all these segments: then
   no more are created. */
static bool
segments_exist(const struct settings *settings, uint64_t each)
{
	static char names[CHILDREN_MAX][SEGMENT_NAME_MAX];
	int n = segment_list(
	    settings->instance, SEGMENT_ANYBODY, names, CHILDREN_MAX);
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

	if (!segments_exist(settings, each) &&
	    !inspect_room(each * settings->workers, segment_space(),
		memory_available(), fault, sizeof(fault)))
		settings_complain(
		    complaints, settings, "queue", "table_keys", "%s", fault);
}

/* -------------------------------------------------------------- users ----- */

bool
inspect_user(const struct settings *settings, bool running,
    struct complaints *complaints)
{
	const char *user = settings->user;
	const struct passwd *pw = getpwnam(user);

	if ((*user == '\0' && geteuid() != 0) ||
	    (pw != NULL && (geteuid() == 0 || geteuid() == pw->pw_uid)))
		return true;
	if (*user == '\0')
		settings_complain(complaints, settings, "reporter", "user",
		    "required if started by root; expected the user to run "
		    "as, or root");
	else if (pw == NULL)
		settings_complain(complaints, settings, "reporter", "user",
		    "no such user: %s; create it or correct the spelling",
		    user);
	else if (running)
		return true;
	else
		settings_complain(complaints, settings, "reporter", "user",
		    "only root can change to user %s; run this as root, or as "
		    "that user",
		    user);
	return false;
}

/* The group to join besides, if possible. */
static gid_t
inspect_group(const struct settings *settings, struct complaints *complaints)
{
	const char *name = settings->group;
	const struct group *gr = getgrnam(name);

	if (*name == '\0')
		return ACCOUNT_NO_GROUP;
	if (gr != NULL && account_may_join(gr->gr_gid))
		return gr->gr_gid;
	if (gr == NULL)
		settings_complain(complaints, settings, "reporter", "group",
		    "no such group: %s; create it or correct the spelling",
		    name);
	else
		settings_complain(complaints, settings, "reporter", "group",
		    "user %d is not in group %s; start as root, or add the "
		    "user to the group (systemd: SupplementaryGroups=, "
		    "PrivateUsers=no)",
		    (int)geteuid(), name);
	return ACCOUNT_NO_GROUP;
}

/* In a child.  Its exit status is the number of complaints. */
static void __attribute__((noreturn)) child_inspect(
    const struct settings *settings, const char *path, bool running, FILE *out)
{
	struct complaints its = { .out = out };
	bool known = inspect_user(settings, running, &its);
	gid_t group = known ? inspect_group(settings, &its) : 0;
	char *real = realpath(path, NULL);
	uint64_t required;

	if (!running)
		inspect_hosts(settings, out);
	if (known && !running &&
	    fdlimit_raise(settings->max_connections, &required) < 0)
		settings_complain(&its, settings, "limits", "max_connections",
		    "requires %" PRIu64 " open files, and the limit cannot be "
		    "raised to that: %s; lower it, or raise the limit "
		    "(ulimit -n, LimitNOFILE)",
		    required, strerror(errno));
	/* Without capabilities access() treats root as any other user. */
	if (known && !running &&
	    (account_become(settings->user, group) < 0 || privilege_drop() < 0))
		its.count++;
	else if (known)
		inspect_files(settings, path, real != NULL ? real : path, &its);
	free(real);
	fflush(out);
	_exit(its.count > 100 ? 100 : (int)its.count);
}

/* Copy what the child prints, until its end. */
static void
child_copy(int from, FILE *out)
{
	char text[1024];
	ssize_t n;

	while ((n = read(from, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)n, out);
	close(from);
}

/* No secret that a file has gets into this process. */
static void
inspect_as_user(const struct settings *settings, const char *path, bool running,
    struct complaints *complaints)
{
	int status, ends[2];
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC) == 0) {
		pid = fork();
		if (pid == 0)
			child_inspect(
			    settings, path, running, fdopen(ends[1], "w"));
		KEEP_ERRNO(close(ends[1]));
		child_copy(ends[0], complaints->out);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		complain(complaints, path, NULL, "cannot check its files: %s",
		    strerror(errno));
	else if (WIFSIGNALED(status))
		complain(complaints, path, NULL,
		    "cannot check its files: the process doing so was killed "
		    "by signal %d",
		    WTERMSIG(status));
	else
		complaints->count += (unsigned)WEXITSTATUS(status);
}

/* What the master does before it changes to the user. */
static void
inspect_start(const struct settings *settings, struct complaints *complaints)
{
	char reason[TLS_REASON_MAX];
	const char *option;
	SSL_CTX *tls;

	inspect_listen(settings, complaints);
	inspect_memory(settings, complaints);
	/* The master reads certificates, and writes the pid file, before it
	   changes to the user. */
	if (tls_load(settings, &tls, &option, reason, sizeof(reason)) < 0)
		settings_complain(
		    complaints, settings, "tls", option, "%s", reason);
	tls_free(tls);
	inspect_writable(settings, "reporter", "pid_file", complaints);
}

void
inspect_machine(const struct settings *settings, const char *path, bool running,
    struct complaints *complaints)
{
	if (!running)
		inspect_start(settings, complaints);
	inspect_as_user(settings, path, running, complaints);
}

/* ------------------------------------------------------------ database ---- */

/* The check of one host. */
struct turn {
	const struct settings *settings;
	const char *password;
	struct complaints *complaints;
	FILE *found;
	const struct db *db;
	size_t away, read_only; /* hosts that are */
};

static void
report(void *arg, bool fault, const char *text)
{
	struct turn *turn = arg;

	/* One that is away is what the others are there for. */
	if (fault && db_error(turn->db)->kind == DB_RECONNECT &&
	    turn->settings->host.count > 1) {
		struct complaints warning = { .out = turn->complaints->out };

		settings_complain(&warning, turn->settings, "mysql", "host",
		    "warning: %s: %s", db_host(turn->db), text);
		turn->away++;
	} else if (fault)
		settings_complain(turn->complaints, turn->settings, "mysql",
		    "host", "%s: %s", db_host(turn->db), text);
	else
		fprintf(turn->found, "%s: %s\n", db_host(turn->db), text);
}

static void
inspect_host(struct turn *turn, char *word)
{
	char *hosts[] = { word, NULL };
	struct db_options options = db_settings(turn->settings);

	options.hosts = hosts;
	options.password = turn->password;
	struct db *db = db_new(&options);
	if (db == NULL) {
		settings_complain(turn->complaints, turn->settings, "mysql",
		    "host", "%s: out of memory", word);
		return;
	}
	turn->db = db;
	turn->read_only += db_probe(db, report, turn);
	int64_t ahead = db_clock_ahead(db);
	if (llabs(ahead) > (int64_t)turn->settings->max_clock_skew / 1000 + 1)
		settings_complain(turn->complaints, turn->settings, "limits",
		    "max_clock_skew",
		    "%s: the server's clock differs from ours by %+lld seconds",
		    db_host(db), (long long)ahead);
	db_free(db);
}

void
inspect_database(const struct settings *settings, const char *path,
    struct complaints *complaints, FILE *found)
{
	struct turn turn = {
		.settings = settings, .complaints = complaints, .found = found
	};
	struct secret password;

	memory_limit(CHECK_MEMORY);
	password = (struct secret){ .path = path };
	if (secret_read(&password, complaints->out) != SECRET_READ) {
		complaints->count++;
		return;
	}
	turn.password = password.text;
	for (size_t i = 0; i < settings->host.count; i++)
		inspect_host(&turn, settings->host.words[i]);
	secret_wipe(&password);
	if (turn.read_only + turn.away == settings->host.count)
		settings_complain(complaints, settings, "mysql", "host",
		    "nothing can be stored: %s; expected a server that can be "
		    "written to",
		    turn.away > 0 ? "no server is available and writable"
		    : turn.read_only == 1 ? "the server is read-only"
					  : "all servers are read-only");
}
