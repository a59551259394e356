# The daemon and the tools.  Everything but the main programs is in a library,
# so that the tests can link it.
include src/proto.mk

noinst_LIBRARIES += src/libreporter.a
src_libreporter_a_CPPFLAGS = $(AM_CPPFLAGS) -Isrc $(INIH_CFLAGS) \
	$(JANSSON_CFLAGS) $(MSGPACK_CFLAGS) $(PROTOBUF_CFLAGS) \
	$(SECCOMP_CFLAGS) $(SYSTEMD_CFLAGS) $(OPENSSL_CFLAGS)
src_libreporter_a_SOURCES = \
	src/accept.c \
	src/account.c src/account.h \
	src/activation.c src/activation.h \
	src/address.c src/address.h \
	src/admission.c src/admission.h \
	src/backoff.c src/backoff.h \
	src/chain.c src/chain.h \
	src/child.c src/child.h \
	src/clock.c src/clock.h \
	src/complain.c src/complain.h \
	src/conffile.c src/conffile.h \
	src/conn.c src/conn.h src/conn_set.h src/conns.c src/throttle.c \
	src/deadletter.c src/deadletter.h \
	src/encode.c src/encode.h \
	src/figures.c src/figures.h \
	src/flush.c src/flush.h \
	src/frame.c src/frame.h \
	src/gate.c \
	src/generation.c src/generation.h \
	src/held.c src/held.h \
	src/inspect.c src/inspect.h src/inspect_addresses.c \
	src/inspect_database.c src/inspect_files.c src/inspect_option.c \
	src/instance.c src/instance.h \
	src/health.c src/health.h \
	src/range.c src/range.h \
	src/intake.c src/intake.h \
	src/keys.c src/keys.h \
	src/landlock.c src/landlock.h \
	src/lines.c src/lines.h \
	src/listen_spec.c src/listen_spec.h \
	src/listener.c src/listener.h \
	src/log.c src/log.h \
	src/master.c src/master.h \
	src/native.c src/native.h src/native_scan.c \
	src/notify.c src/notify.h \
	src/option.c src/option.h \
	src/order.c src/order.h \
	src/origin.c src/origin.h \
	src/pace.c src/pace.h \
	src/prefix.c src/prefix.h \
	src/privilege.c src/privilege.h \
	src/proxy.c src/proxy.h \
	src/rates.c src/rates.h \
	src/reload.c src/reload.h \
	src/replay.c src/replay.h \
	src/report.c src/report.h \
	src/respawn.c src/respawn.h \
	src/retire.c src/retire.h \
	src/route.c src/route.h \
	src/sandbox.c src/sandbox.h \
	src/secret.c src/secret.h \
	src/sample.c src/sample.h \
	src/sender.c src/sender.h \
	src/services.c src/services.h \
	src/settings.c src/settings.h \
	src/status.c src/status.h src/status_json.c \
	src/status_prometheus.c src/status_text.c \
	src/store.c src/store.h \
	src/survey.c src/survey.h \
	src/syntax.c src/syntax.h \
	src/text.c src/text.h \
	src/title.c src/title.h \
	src/tls.h src/tls_client.h src/tls_load.c src/tls_load.h \
	src/trial.c src/trial.h \
	src/units.c src/units.h \
	src/value.c src/value.h \
	src/wipe.c src/wipe.h \
	src/worker.c src/worker.h \
	src/worker_files.c src/worker_files.h
nodist_src_libreporter_a_SOURCES = $(proto_sources)
if HAVE_OPENSSL
src_libreporter_a_SOURCES += src/tls.c src/tls_client.c \
	src/tls_error.c src/tls_error.h
else
src_libreporter_a_SOURCES += src/tls_none.c src/tls_client_none.c
endif

sbin_PROGRAMS += src/reporter src/reporterctl
src_reporter_SOURCES = src/main.c
src_reporter_LDADD = src/libreporter.a sql/libsql.a shm/libshm.a \
	$(MYSQL_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) $(SECCOMP_LIBS) \
	$(SYSTEMD_LIBS) $(OPENSSL_LIBS)
src_reporterctl_SOURCES = src/ctl/main.c src/ctl/ctl.h \
	src/ctl/check.c src/ctl/keys.c \
	src/ctl/replay.c src/ctl/status.c \
	src/ctl/top.c src/ctl/top.h src/ctl/top_lines.c src/ctl/watch.c
src_reporterctl_CPPFLAGS = $(AM_CPPFLAGS) $(NCURSES_CFLAGS)
if WITH_NCURSES
src_reporterctl_SOURCES += src/ctl/top_screen.c
endif
src_reporterctl_LDADD = src/libreporter.a shm/libshm.a $(JANSSON_LIBS) \
	$(MSGPACK_LIBS) $(PROTOBUF_LIBS) $(NCURSES_LIBS)

if WITH_MICROHTTPD
sbin_PROGRAMS += src/reporter-web
endif
src_reporter_web_SOURCES = src/web/main.c \
	src/web/confine.c src/web/confine.h \
	src/web/page.c src/web/page.h \
	src/web/server.c src/web/server.h
src_reporter_web_CPPFLAGS = $(AM_CPPFLAGS) $(MICROHTTPD_CFLAGS)
src_reporter_web_LDADD = src/libreporter.a shm/libshm.a $(JANSSON_LIBS) \
	$(MICROHTTPD_LIBS)

bin_PROGRAMS += src/reporter-send
src_reporter_send_SOURCES = src/reporter-send.c
src_reporter_send_LDADD = src/libreporter.a shm/libshm.a $(MSGPACK_LIBS) \
	$(PROTOBUF_LIBS) $(OPENSSL_LIBS)

include src/bench.mk
