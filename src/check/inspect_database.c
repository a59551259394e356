/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "check/inspect.h"

#include "sql/db.h"
#include "conf/secret.h"
#include "lib/memory.h"

#include <stdlib.h>

#define CHECK_MEMORY (256u << 20) /* what answers may take */

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
	secret_init(&password, path);
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
