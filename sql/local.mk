# The database side: the record type, libmysqlclient and nothing of src.
sql_sources = \
	sql/batch.c sql/batch.h \
	sql/bulk.c sql/bulk.h \
	sql/client.h \
	sql/db.c sql/db.h \
	sql/dberror.c sql/dberror.h \
	sql/fault.c sql/fault.h \
	sql/host.c sql/host.h \
	sql/login.c sql/login.h \
	sql/probe.c sql/probe.h

noinst_LIBRARIES += sql/libsql.a
sql_libsql_a_SOURCES = $(sql_sources)

# The same with pretended failures, for tests: see sql/fault.h.
check_LIBRARIES += sql/libsqlfault.a
sql_libsqlfault_a_CPPFLAGS = $(AM_CPPFLAGS) -DREPORTER_FAULTS
sql_libsqlfault_a_SOURCES = $(sql_sources)

EXTRA_DIST += sql/schema.sql sql/view.sql sql/grants.sql
reportersqldir = $(datadir)/reporter
reportersql_DATA = sql/schema.sql sql/view.sql sql/grants.sql
