# The database side.  unit_db, unit_dbfail, unit_fault and unit_probe start a private
# server of their own, or use that of REPORTER_TEST_SOCKET.
sql_units = t/unit_batch t/unit_dberror t/unit_db t/unit_dbfail t/unit_fault \
	t/unit_probe
check_PROGRAMS += $(sql_units)
TESTS += $(sql_units)

sql_unit_cppflags = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(MYSQL_CFLAGS)
sql_unit_ldadd = $(unit_libs) $(CHECK_LIBS) $(MYSQL_LIBS)
sql_unit_server = t/db_fixture.c t/db_fixture.h t/db_server.c t/db_server.h

t_unit_batch_SOURCES = t/unit_batch.c
t_unit_batch_CPPFLAGS = $(sql_unit_cppflags)
t_unit_batch_LDADD = $(sql_unit_ldadd)

t_unit_dberror_SOURCES = t/unit_dberror.c
t_unit_dberror_CPPFLAGS = $(sql_unit_cppflags)
t_unit_dberror_LDADD = $(sql_unit_ldadd)

t_unit_db_SOURCES = t/unit_db.c $(sql_unit_server)
t_unit_db_CPPFLAGS = $(sql_unit_cppflags)
t_unit_db_LDADD = $(sql_unit_ldadd)

t_unit_dbfail_SOURCES = t/unit_dbfail.c $(sql_unit_server)
t_unit_dbfail_CPPFLAGS = $(sql_unit_cppflags)
t_unit_dbfail_LDADD = $(sql_unit_ldadd)

t_unit_probe_SOURCES = t/unit_probe.c $(sql_unit_server)
t_unit_probe_CPPFLAGS = $(sql_unit_cppflags)
t_unit_probe_LDADD = $(sql_unit_ldadd)

t_unit_fault_SOURCES = t/unit_fault.c $(sql_unit_server)
t_unit_fault_CPPFLAGS = $(sql_unit_cppflags) -DREPORTER_FAULTS
t_unit_fault_LDADD = sql/libsqlfault.a shm/libshm.a $(CHECK_LIBS) \
	$(MYSQL_LIBS)

# sql/ compiled against the names of MySQL's client library (t/mysql): a name
# that only MariaDB's has is an error here.
check_LIBRARIES += t/libsqlmysql.a
t_libsqlmysql_a_SOURCES = $(sql_sources) t/mysql/errmsg.h t/mysql/mysql.h \
	t/mysql/mysqld_error.h
t_libsqlmysql_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/t/mysql $(MYSQL_CFLAGS)
