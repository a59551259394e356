/* SPDX-License-Identifier: MIT
 *
 * What sql/ uses of MySQL's <client_plugin.h>.  For t/libsqlmysql.a.
 */
#pragma once

#ifndef CR_ERROR
#define CR_ERROR 0
#define MYSQL_CLIENT_AUTHENTICATION_PLUGIN 2

typedef struct MYSQL_PLUGIN_VIO MYSQL_PLUGIN_VIO;

struct auth_plugin_t {
	int (*authenticate_user)(MYSQL_PLUGIN_VIO *vio, MYSQL *mysql);
};

struct st_mysql_client_plugin *mysql_client_find_plugin(
    MYSQL *mysql, const char *name, int type);
#endif
