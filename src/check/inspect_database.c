/* SPDX-License-Identifier: MIT
 *
 * The check of `reporter -t -t`: the database, host by host.  Owns a connection
 * at a time.  Nothing is written there.
 */
#include "config.h"

#include "check/inspect.h"

#include "sql/db.h"
#include "conf/secret.h"
#include "conf/db_settings.h"

/* One host's turn. */
struct turn {
	const struct settings *settings;
	const char *password;
	struct complaints *complaints;
	FILE *found;
	const struct db *db;
	size_t standing_by; /* hosts that are read-only */
};

static void
say(void *arg, bool wrong, const char *text)
{
	struct turn *turn = arg;

	if (wrong)
		inspect_option(turn->complaints, turn->settings, "mysql",
		    "host", "%s: %s", db_host(turn->db), text);
	else
		fprintf(turn->found, "%s: %s\n", db_host(turn->db), text);
}

static void
inspect_host(struct turn *turn, char *word)
{
	char *hosts[] = { word, NULL };
	struct db_options options = db_settings(turn->settings);
	struct db *db;

	options.hosts = hosts;
	options.password = turn->password;
	db = db_new(&options);
	if (db == NULL) {
		inspect_option(turn->complaints, turn->settings, "mysql",
		    "host", "%s: there is no memory for a connection", word);
		return;
	}
	turn->db = db;
	turn->standing_by += db_probe(db, say, turn);
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

	secret_init(&password, path, "mysql", "password");
	if (secret_read(&password, complaints->out) != SECRET_READ) {
		complaints->count++;
		return;
	}
	turn.password = password.text;
	for (size_t i = 0; i < settings->host.count; i++)
		inspect_host(&turn, settings->host.words[i]);
	secret_wipe(&password);
	if (turn.standing_by == settings->host.count)
		inspect_option(complaints, settings, "mysql", "host",
		    "nothing can be stored: %s read-only; expected a server "
		    "that takes writes",
		    turn.standing_by == 1 ? "the server is"
					  : "all servers are");
}
