/* SPDX-License-Identifier: MIT
 *
 * What is done about an error of the database.  A pure function over one
 * table.
 */
#ifndef REPORTER_DBERROR_H
#define REPORTER_DBERROR_H

#include "counters.h"

/*
 * dberror_class - the class of an error number of MySQL, MariaDB, TiDB or the
 * client library.  A number that the table does not have is DB_HOLD: nothing
 * is lost by holding.  0 is DB_OK.
 */
enum db_class dberror_class(unsigned number);

#endif
