/* SPDX-License-Identifier: MIT
 *
 * A change of the configuration.  All that can fail is prepared beside what is
 * in use; then the change is committed, which cannot fail.  Either way
 * change_free() frees what is not in use then.
 */
#include "config.h"

#include "check/inspect.h"
#include "conf/reload.h"
#include "edge/tls.h"
#include "lib/file.h"
#include "lib/log.h"
#include "master/state.h"
#include "privilege/privilege.h"
#include "shm/faultpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is next; once it is committed, what was before. */
struct change {
	struct settings *settings;
	SSL_CTX *tls;
	struct generation generation; /* workers 0: none */
	bool listeners;      /* prepared, neither committed nor undone */
	bool workers, queue; /* what the options changed require */
	FILE *lines;         /* an option changed each, in `text` */
	char *text;
	size_t size;
};

void
change_route(struct master *m)
{
	struct ring *rings[WORKERS_MAX];

	for (uint32_t i = 0; i < m->generation.workers; i++)
		rings[i] = &m->generation.child[i]->segment.ring;
	server_route(m->server, rings, m->generation.workers);
}

static const char *
shown(const char *value)
{
	return *value == '\0' ? "empty" : value;
}

static void
change_add(void *arg, const char *name, const char *old_value,
    const char *new_value, enum option_live live)
{
	struct change *change = arg;

	change->workers |= live == OPTION_WORKERS;
	change->queue |= live == OPTION_QUEUE;
	if (live == OPTION_RESTART)
		log_warn("%s: change from %s to %s requires a restart", name,
		    shown(old_value), shown(new_value));
	else
		fprintf(change->lines, "%s: changed from %s to %s\n", name,
		    shown(old_value), shown(new_value));
}

/* What the change requires; options that require a restart keep their value. */
static int
change_compare(struct change *change, const struct settings *now)
{
	change->lines = open_memstream(&change->text, &change->size);
	if (change->lines == NULL)
		return -1;
	settings_compare(now, change->settings, change_add, change);
	settings_keep(change->settings, now);
	return fflush(change->lines);
}

/* Check what `reporter -t` checks.  Returns 0, or -1: logged. */
static int
change_inspect(const struct settings *settings, const char *path)
{
	char *text = NULL;
	size_t size;
	struct complaints complaints = { .out = open_memstream(&text, &size) };

	if (complaints.out == NULL) {
		log_error("cannot reload: %m");
		return -1;
	}
	inspect_machine(settings, path, true, &complaints);
	fclose(complaints.out);
	log_error_lines(text);
	free(text);
	return complaints.count == 0 ? 0 : -1;
}

static int
change_prepare(struct change *change, struct master *m)
{
	const struct settings *next = change->settings;

	/* Before options that require a restart get their old values. */
	if (change_inspect(next, m->path) < 0)
		return -1;
	if (change_compare(change, m->settings) < 0) {
		log_error("cannot reload: %m");
		return -1;
	}
	if (tls_load_logged(next, &change->tls) < 0 ||
	    fdlimit_ensure(next->max_connections) < 0 ||
	    listeners_add(&m->listeners, &next->listen) < 0)
		return -1;
	change->listeners = true;
	if (change->queue &&
	    generation_create(&change->generation, m->generation.number + 1,
		&m->children, next) < 0)
		return -1;
	/* The last one: it takes effect at once. */
	return reload_log(next);
}

/* Note the directories that workers started now may write to; one that is
   missing is noted as it was.  Returns the path of one that is another one. */
static const char *
change_places(struct master *m)
{
	const char *const paths[] = { m->settings->log_target,
		m->settings->dead_letter_file };
	const char *other = NULL;

	for (int i = 0; i < 2; i++) {
		uint64_t place = file_place(paths[i]);

		if (place == 0 || place == m->places[i])
			continue;
		m->places[i] = place;
		other = paths[i];
	}
	return other;
}

bool
change_watch(struct master *m)
{
	bool first = !m->placed;
	const char *path = change_places(m);

	m->placed = true;
	if (path == NULL || first)
		return false;
	log_warn("the directory of %s was replaced; reopening the log and "
		 "restarting workers",
	    path);
	children_configure(&m->children, m->settings, true);
	return true;
}

static void
change_commit(struct change *change, struct master *m)
{
	struct settings *settings = m->settings;
	SSL_CTX *tls = m->tls;

	m->settings = change->settings;
	change->settings = settings;
	m->tls = change->tls;
	change->tls = tls;
	listeners_commit(&m->listeners);
	change->listeners = false;
	if (change->queue) {
		FAULT_POINT("master_regenerated");
		m->generation = change->generation;
		change->generation.workers = 0;
		/* Before children_retire(): a worker that sees a newer
		   generation leaves no held row behind. */
		counter_set(&m->shared->generation, m->generation.number);
		children_retire(&m->children, m->generation.number);
		FAULT_POINT("master_retired");
	}
	change_places(m);
	children_configure(&m->children, m->settings, change->workers);
	server_configure(m->server, m->settings, m->tls);
	/* Each report that waits is decoded again. */
	if (change->queue)
		change_route(m);
	else if (m->settings->overflow != change->settings->overflow)
		server_retry(m->server);
}

static void
change_free(struct change *change, struct master *m)
{
	if (change->listeners)
		listeners_undo(&m->listeners);
	generation_drop(&change->generation);
	tls_free(change->tls);
	settings_free(change->settings);
	if (change->lines != NULL)
		fclose(change->lines);
	free(change->text);
}

int
change_reload(struct master *m)
{
	struct change change = { .settings = reload_load(m->path) };
	int result = change.settings == NULL ? -1 : change_prepare(&change, m);

	if (result == 0) {
		change_commit(&change, m);
		for (char *line = strtok(change.text, "\n"); line != NULL;
		     line = strtok(NULL, "\n"))
			log_info("%s", line);
	}
	change_free(&change, m);
	return result;
}
