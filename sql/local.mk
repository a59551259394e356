# The database side: the record type, libmysqlclient and nothing of src.
sql_modules = sql/batch sql/bulk sql/db sql/dberror sql/deadline sql/host \
	sql/link sql/login sql/probe sql/session sql/walk
noinst_LIBRARIES += sql/libsql.a
sql_libsql_a_SOURCES = $(sql_modules:=.c) $(sql_modules:=.h) sql/client.h \
	sql/db_state.h sql/fault.h sql/write.c

dist_pkgdata_DATA = sql/schema.sql sql/view.sql sql/view-elb.sql \
	sql/grants.sql sql/queries.sql
