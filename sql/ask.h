/* SPDX-License-Identifier: MIT
 *
 * How the modules below db.c ask over its connection.
 */
#ifndef REPORTER_ASK_H
#define REPORTER_ASK_H

#include "sql/answer.h"
#include "sql/db.h"

struct asker {
	/*
	 * Sends a statement and reads its answer, as answer_read(); columns 0:
	 * it has no result, and answer may be NULL.
	 * Returns DB_OK, or the class of *error.
	 */
	enum db_class (*ask)(struct db *db, const char *statement,
	    unsigned columns, struct answer *answer);
	struct db *db;
	MYSQL *mysql;
	struct db_error *error;
};

/* hash_text - take a text, with its end, into a hash (FNV-1a). */
static inline uint64_t
hash_text(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	while (*text++ != '\0');
	return hash;
}

#endif
