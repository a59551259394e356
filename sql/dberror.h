/* SPDX-License-Identifier: MIT
 *
 * What is done about an error of the database.  A pure function.
 */
#pragma once

#include "shm/counters.h"

#include <stdbool.h>

/* Errors of the database, by what is done about them. */
enum db_class {
	DB_OK,
	DB_RETRY,     /* retry the statement */
	DB_RECONNECT, /* connect again */
	DB_NEXT_HOST, /* try another node of the list */
	DB_WAIT_ROOM, /* wait until the server has room */
	DB_SPLIT,     /* too many rows at once, for whatever limit */
	DB_REFUSED,   /* it refuses a row: single it out */
	DB_UNLISTED,  /* not in our list: single out the row, hold it */
	DB_HOLD,      /* for a person to fix: keep the records, retry slowly */
	DB_CLASSES
};

struct db_error {
	enum db_class kind;
	unsigned number; /* MySQL's */
	char text[256];
};

/* db_class_name - the class's name in log, status and manual. */
const char *db_class_name(enum db_class kind);
static_assert(DB_CLASSES == FLUSH_ERRORS, "counted by class");

/* dberror_divides - whether fewer rows may pass where many failed. */
static inline bool
dberror_divides(enum db_class kind)
{
	return kind == DB_SPLIT || kind == DB_REFUSED || kind == DB_UNLISTED;
}

/* dberror_is_client - whether the number is one of the client library's own. */
static inline bool
dberror_is_client(unsigned number)
{
	/* 5000 and up are those of MariaDB's alone. */
	return (number >= 2000 && number <= 2999) ||
	       (number >= 5000 && number <= 5999);
}

/* dberror_class - the class of an error of MySQL, MariaDB, Galera, TiDB,
   Vitess, ProxySQL or the client library. number: 0 is DB_OK; one that the
   table does not have is DB_UNLISTED, or DB_RECONNECT when it is the client
   library's.  text: the server's message, not NULL; it decides for numbers with
   several meanings (1105, 1180, 9005). */
enum db_class dberror_class(unsigned number, const char *text);
