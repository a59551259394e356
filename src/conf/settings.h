/* SPDX-License-Identifier: MIT
 *
 * Settings: the configuration, read from reporter.conf(5) through one option
 * table (option.c).  A struct settings owns its strings and is freed as a
 * whole. Any process; only one thread may use a struct settings while it is
 * written.
 */
#pragma once

#include "lib/prefix.h"
#include "sql/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct complaints;

#define OPTIONS_MAX 64 /* rows of option_table, at most */

/* A list, as in `listen`, `host` and `allow`. */
struct words_list {
	char **words; /* NULL-terminated, or NULL */
	size_t count;
};

enum overflow {
	OVERFLOW_BLOCK,
	OVERFLOW_DROP
};

enum bulk_use {
	BULK_AUTO,
	BULK_OFF
};

enum check_caller {
	CHECK_CALLER_OFF,
	CHECK_CALLER_LOG,
	CHECK_CALLER_REJECT,
	CHECK_CALLER_REPLACE /* where the peer has an IPv4 address */
};

enum tls_version {
	TLS_VERSION_1_2,
	TLS_VERSION_1_3
};

struct settings {
	/* [reporter] */
	const char *instance;
	struct words_list listen; /* see lib/address.h */
	uint64_t workers;         /* 0 is auto until settings_load() ends */
	const char *user;         /* "": not root, do not change user */
	const char *group;        /* may read the segments; "" is: nobody */
	int sandbox;              /* 1: on */
	const char *pid_file;     /* "" is: none */
	const char *runtime_directory; /* of the handover; "" is: none */
	uint64_t shutdown_timeout;     /* ms */
	/* [limits] */
	uint64_t max_connections;
	uint64_t max_connections_per_address; /* 0 is no limit */
	uint64_t accept_rate;                 /* a second; 0 is no limit */
	uint64_t max_message;                 /* bytes */
	uint64_t idle_timeout;                /* ms; 0 is never */
	uint64_t message_timeout;             /* ms; 0 is never */
	uint64_t max_connection_age;          /* ms; 0 is no limit */
	struct words_list allow;              /* prefixes; none is everybody */
	struct words_list deny;               /* prefixes; none is nobody */
	int check_caller;                     /* enum check_caller */
	struct words_list proxy_from;         /* prefixes; none is nobody */
	uint64_t max_clock_skew;              /* ms */
	/* [tls] */
	const char *certificate; /* of each of the three: "" is none */
	const char *key;
	const char *client_ca;
	int min_version; /* enum tls_version */
	/* [queue] */
	uint64_t ring_records; /* a power of two */
	uint64_t table_keys;
	int overflow; /* enum overflow */
	/* [mysql] */
	struct words_list host; /* HOST or HOST:PORT, tried in order */
	bool password;          /* is set; only workers read it: secret.h */
	/* The options of a connection, all but those that db_settings()
	   adds. */
	struct db_options db;
	uint64_t flush_interval;  /* ms */
	uint64_t urgent_interval; /* ms */
	uint64_t flush_rows;
	int bulk;                     /* enum bulk_use */
	const char *dead_letter_file; /* "" is: none is written */
	uint64_t dead_letter_size;    /* bytes */
	uint64_t hold_time;           /* ms, 0: for ever */
	uint64_t retention;           /* ms; 0 is for ever */
	/* [log] */
	const char *log_target;
	int log_level; /* enum log_level */

	/* What limits.allow, deny and proxy_from mean. */
	struct prefix_list allowed, denied, balancers;

	/* Where each option's value comes from, in the order of option_table:
	   "default" or "file:line".  settings.c's own. */
	char *origins[OPTIONS_MAX];
};

/* settings_load - read the file at path.  Every error is written to `errors` as
   "file:line: section.name: reason", one a line, with a suggestion for a
   misspelt name.  path NULL: the defaults alone.
   Returns the settings, owned by the caller, or NULL when there was an
   error. */
struct settings *settings_load(const char *path, FILE *errors);

/* settings_free - free them; NULL is allowed. */
void settings_free(struct settings *settings);

/* settings_dump - write the effective configuration as a file that can be
   loaded, every option with its origin.  The password is not in it. */
void settings_dump(const struct settings *settings, FILE *out);

/* settings_origin - where the value of an option comes from: "file:line", or
   text that begins with "default". */
const char *settings_origin(
    const struct settings *settings, const char *section, const char *name);

/* settings_complain - complain about the value of an option, with its line. */
void settings_complain(struct complaints *complaints,
    const struct settings *settings, const char *section, const char *name,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Most rows of one statement, and so of one transaction, whatever flush_rows;
   the server's max_allowed_packet may allow fewer. */
#define DB_ROWS_MAX 10000

/* db_settings - the options of a connection (sql/db.h), without password and
   session.  The strings stay those of the settings. */
struct db_options db_settings(const struct settings *settings);

/* What a change of an option requires. */
enum option_live {
	OPTION_LIVE,    /* a reload */
	OPTION_WORKERS, /* a reload, which restarts the workers */
	OPTION_QUEUE,   /* a reload, which creates new segments */
	OPTION_RESTART  /* a restart of the daemon */
};

/* settings_compare - for each option that differs, call `differs` with its name
   ("section.name"), both values as text and what the change requires. */
void settings_compare(const struct settings *before,
    const struct settings *after,
    void (*differs)(void *arg, const char *name, const char *old_value,
	const char *new_value, enum option_live live),
    void *arg);

/* settings_keep - give all options that require a restart the value that they
   have now. */
void settings_keep(struct settings *next, const struct settings *now);
