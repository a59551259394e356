# The database side: the record type, libmysqlclient and nothing of src.
noinst_LIBRARIES += sql/libsql.a
sql_libsql_a_CPPFLAGS = $(AM_CPPFLAGS) $(MYSQL_CFLAGS)
sql_libsql_a_SOURCES = \
	sql/batch.c sql/batch.h \
	sql/bulk.c sql/bulk.h \
	sql/client.h \
	sql/db.c sql/db.h \
	sql/dberror.c sql/dberror.h \
	sql/fault.c sql/fault.h \
	sql/host.c sql/host.h
EXTRA_DIST += sql/schema.sql sql/view.sql sql/grants.sql
reportersqldir = $(datadir)/reporter
reportersql_DATA = sql/schema.sql sql/view.sql sql/grants.sql
