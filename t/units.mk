# Check suites, one a module: t/unit_NAME.c.  One that needs more than the
# libraries says so below.
units = t/unit_admission t/unit_agents t/unit_ark t/unit_batch t/unit_bench \
	t/unit_child t/unit_client t/unit_conn \
	t/unit_db t/unit_dberror t/unit_dbfail t/unit_deadletter t/unit_encode \
	t/unit_fault t/unit_figures t/unit_filter t/unit_flush t/unit_frame t/unit_generation \
	t/unit_health t/unit_host \
	t/unit_inspect t/unit_instance t/unit_intake t/unit_limiter \
	t/unit_lines t/unit_listen_spec t/unit_listener t/unit_log t/unit_look \
	t/unit_look_changes t/unit_look_prometheus t/unit_looks t/unit_names \
	t/unit_native t/unit_option t/unit_order t/unit_prefix t/unit_probe \
	t/unit_proxy t/unit_rates t/unit_replay t/unit_respawn t/unit_retention t/unit_ring \
	t/unit_round t/unit_route t/unit_scan t/unit_secret t/unit_segment \
	t/unit_sender t/unit_settings t/unit_status \
	t/unit_store t/unit_table t/unit_tarpit t/unit_timeline t/unit_trial t/unit_walk t/unit_work \
	t/unit_worker_files
# Without libseccomp there is nothing to test.
if SECCOMP
units += t/unit_sandbox
endif
if HAVE_OPENSSL
units += t/unit_client_tls
endif
# Beside the suites: a crowd of agents for scenarios, and where the formats have
# their fields, for tests that write them by hand.
check_PROGRAMS += $(units) t/crowd t/offsets
TESTS += $(units)

# What suites and fuzz targets share.  db_fixture starts a private server, or
# uses that of REPORTER_TEST_SOCKET.
fixtures = t/config_fixture t/db_fixture t/difference t/frame_oracle \
	t/fuzz_stream t/native_oracle t/server_fixture t/sink
check_LIBRARIES += t/libtest.a
t_libtest_a_SOURCES = $(fixtures:=.c) $(fixtures:=.h) t/bytes.h t/fuzz.h \
	t/collect.h t/instance_fixture.h t/look_fixture.h t/suite.h
LDADD = t/libtest.a $(FUZZ_MAIN) t/bench/libbench.a $(our_libs) \
	$(CHECK_LIBS) $(FUZZ_ENGINE)

# This makes OpenSSL's writing slow.
t_unit_client_tls_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=send

# This makes forks fail.
t_unit_child_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fork

# This makes queues small.
t_unit_ark_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=socketpair

# Here what the system says of times, hosts and descriptors is the test's.
t_unit_client_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=time \
	-Wl,--wrap=clock_gettime -Wl,--wrap=eventfd \
	-Wl,--wrap=getsockopt -Wl,--wrap=getaddrinfo

# These stub the database.
store_fixture = t/store_fixture.c t/store_fixture.h
t_unit_store_SOURCES = t/unit_store.c $(store_fixture)
t_unit_store_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=monotonic_ms
t_unit_flush_SOURCES = t/unit_flush.c $(store_fixture)

# sql/ compiled against the names of MySQL's client library (t/mysql): a name
# that only MariaDB's has is an error here.
check_LIBRARIES += t/libsqlmysql.a
t_libsqlmysql_a_SOURCES = $(sql_libsql_a_SOURCES) t/mysql/client_plugin.h \
	t/mysql/errmsg.h t/mysql/mysql.h t/mysql/mysqld_error.h
t_libsqlmysql_a_CPPFLAGS = -I$(srcdir)/t/mysql $(AM_CPPFLAGS)

# Everything between the socket and the ring, built to count its work: each
# basic block calls __sanitizer_cov_trace_pc(), which the test provides, and
# copies and allocations go through the test.
check_LIBRARIES += t/libwork.a
t_libwork_a_SOURCES = shm/agents.c shm/counters.c shm/ring.c \
	$(edge_sources) $(intake_modules:=.c) $(lib_modules:=.c)
t_libwork_a_CFLAGS = $(STD_CFLAGS) $(WARN_CFLAGS) $(SANITIZE_CFLAGS) \
	-fsanitize-coverage=trace-pc -fno-builtin
t_unit_work_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=memcpy -Wl,--wrap=memmove \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
t_unit_work_LDADD = t/libtest.a t/libwork.a $(LDADD)
