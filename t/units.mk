# Check suites, one a module: t/unit_NAME.c.  One that needs more than the
# libraries says so below.
units = \
	t/unit_ring t/unit_segment t/unit_table \
	t/unit_log t/unit_prefix \
	t/unit_option t/unit_settings t/unit_secret t/unit_listen_spec \
	t/unit_inspect \
	t/unit_native t/unit_frame t/unit_route t/unit_intake \
	t/unit_admission t/unit_conn t/unit_limiter t/unit_listener \
	t/unit_proxy t/unit_tarpit t/unit_work \
	t/unit_batch t/unit_dberror t/unit_db t/unit_dbfail t/unit_fault \
	t/unit_probe \
	t/unit_deadletter t/unit_order t/unit_round t/unit_trial \
	t/unit_worker_files t/unit_store t/unit_flush \
	t/unit_child t/unit_generation t/unit_instance t/unit_respawn \
	t/unit_health t/unit_rates t/unit_services t/unit_status t/unit_scan \
	t/unit_encode t/unit_lines t/unit_replay t/unit_sender \
	t/unit_bench
# Without libseccomp there is nothing to test.
if SECCOMP
units += t/unit_sandbox
endif
check_PROGRAMS += $(units) t/crowd t/offsets
TESTS += $(units)
EXTRA_DIST += t/instance_fixture.h t/suite.h

t_unit_native_SOURCES = t/unit_native.c t/native_oracle.c t/native_oracle.h \
	t/difference.c t/difference.h t/bytes.h
t_unit_frame_SOURCES = t/unit_frame.c t/frame_oracle.c t/frame_oracle.h \
	t/difference.c t/difference.h t/bytes.h
t_unit_replay_SOURCES = t/unit_replay.c t/sink.c t/sink.h
t_unit_sender_SOURCES = t/unit_sender.c t/sink.c t/sink.h
t_unit_bench_LDADD = src/bench/libbench.a $(LDADD)

config_fixture = t/config_fixture.c t/config_fixture.h
t_unit_option_SOURCES = t/unit_option.c $(config_fixture)
t_unit_settings_SOURCES = t/unit_settings.c $(config_fixture)
t_unit_secret_SOURCES = t/unit_secret.c $(config_fixture)

# These start a private server, or use that of REPORTER_TEST_SOCKET.
db_fixture = t/db_fixture.c t/db_fixture.h
t_unit_db_SOURCES = t/unit_db.c $(db_fixture)
t_unit_db_LDADD = src/bench/libbench.a $(LDADD)
t_unit_dbfail_SOURCES = t/unit_dbfail.c $(db_fixture)
t_unit_dbfail_LDADD = src/bench/libbench.a $(LDADD)
t_unit_probe_SOURCES = t/unit_probe.c $(db_fixture)
t_unit_probe_LDADD = src/bench/libbench.a $(LDADD)
t_unit_fault_SOURCES = t/unit_fault.c $(db_fixture)
t_unit_fault_CPPFLAGS = $(AM_CPPFLAGS) -DREPORTER_FAULTS
t_unit_fault_LDADD = sql/libsqlfault.a src/bench/libbench.a $(LDADD)

# These play the database.
store_fixture = t/store_fixture.c t/store_fixture.h
t_unit_store_SOURCES = t/unit_store.c $(store_fixture)
t_unit_flush_SOURCES = t/unit_flush.c $(store_fixture)

# sql/ compiled against the names of MySQL's client library (t/mysql): a name
# that only MariaDB's has is an error here.
check_LIBRARIES += t/libsqlmysql.a
t_libsqlmysql_a_SOURCES = $(sql_sources) t/mysql/errmsg.h t/mysql/mysql.h \
	t/mysql/mysqld_error.h
t_libsqlmysql_a_CPPFLAGS = -I$(srcdir)/t/mysql $(AM_CPPFLAGS)

# Everything between the socket and the ring, built to count its work: each
# basic block calls __sanitizer_cov_trace_pc(), which the test provides, and
# copies and allocations go through the test.
check_LIBRARIES += t/libwork.a
t_libwork_a_SOURCES = \
	shm/counters.c shm/ring.c src/edge/accept.c \
	src/edge/admission.c src/edge/bind.c src/edge/conn.c \
	src/edge/inbuf.c src/edge/limiter.c src/edge/listener.c \
	src/edge/origin.c src/edge/server.c src/edge/tarpit.c \
	src/intake/frame.c src/intake/intake.c src/intake/native.c \
	src/intake/native_scan.c src/intake/route.c \
	src/lib/address.c src/lib/clock.c src/lib/log.c src/lib/prefix.c \
	src/lib/text.c
t_libwork_a_CFLAGS = $(STD_CFLAGS) $(WARN_CFLAGS) $(SANITIZE_CFLAGS) \
	-fsanitize-coverage=trace-pc -fno-builtin
t_unit_work_SOURCES = t/unit_work.c t/bytes.h
t_unit_work_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=memcpy -Wl,--wrap=memmove \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
t_unit_work_LDADD = t/libwork.a $(LDADD)

# Plays thousands of agents for a scenario.
t_crowd_LDADD =

# Where the formats have their fields, for tests that write them by hand.
t_offsets_LDADD =
