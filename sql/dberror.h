/* SPDX-License-Identifier: MIT
 *
 * What is done about an error of the database.  A pure function.
 */
#ifndef REPORTER_DBERROR_H
#define REPORTER_DBERROR_H

#include "shm/counters.h"

/*
 * dberror_class - the class of an error of MySQL, MariaDB, Galera, TiDB or the
 * client library.
 * number: 0 is DB_OK; one that the table does not have is DB_HOLD: nothing is
 * lost by holding.  text: the server's message, not NULL; it decides for
 * numbers with several meanings (1105, 1180).
 */
enum db_class dberror_class(unsigned number, const char *text);

#endif
