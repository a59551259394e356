/* SPDX-License-Identifier: MIT
 *
 * reporter-web: lists in JSON, whose columns are named once.  Any thread; a
 * failure to write is left in the stream.
 */
#pragma once

#include "web/sampler.h"

#include <stdio.h>

/* A row that is being written: an object with these columns, NULL: an array. */
struct row {
	FILE *out;
	const char *const *columns;
	unsigned count; /* values written */
};

/* Ending with NULL. */
extern const char *const service_columns[], *const server_columns[];

/* row_put - write the next value, with printf()'s format. */
void row_put(struct row *row, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* row_figure - write the next value; null if it is below 0: unknown. */
void row_figure(struct row *row, double value, int digits);

/* row_number - likewise, outside of a row. */
void row_number(double value, int digits, FILE *out);

/* row_boolean - true or false. */
const char *row_boolean(bool value);

/* row_age - seconds from ts (since 1970) to the sample's look. */
double row_age(const struct sample *s, uint64_t ts);

/* row_service, row_server - write a whole row. */
void row_service(
    struct row row, const struct sample *s, const struct look_service *service);
void row_server(
    struct row row, const struct sample *s, const struct look_server *server);

/* rows_begin - begin a list: the columns' names, and its brackets.  row_begin -
   begin the row of that place, from 0 on.  rows_end - end a list of so many. */
void rows_begin(const char *const *columns, FILE *out);
void row_begin(size_t place, FILE *out);
void rows_end(size_t count, FILE *out);
