# The daemon and the tools.  Everything but the main programs is in a library,
# so that the tests can link it.
include src/proto.mk

noinst_LIBRARIES += src/libreporter.a
src_libreporter_a_SOURCES = \
	src/lib/address.c src/lib/address.h src/lib/clock.c src/lib/clock.h \
	src/lib/complain.c src/lib/complain.h src/lib/figures.c \
	src/lib/figures.h src/lib/file.c src/lib/file.h src/lib/log.c \
	src/lib/log.h src/lib/memory.c src/lib/memory.h src/lib/pem.c \
	src/lib/pem.h src/lib/prefix.c src/lib/prefix.h src/lib/text.c \
	src/lib/text.h src/lib/title.c src/lib/title.h src/lib/wipe.c \
	src/lib/wipe.h \
	src/conf/conffile.c src/conf/conffile.h src/conf/db_settings.c \
	src/conf/db_settings.h src/conf/include.c src/conf/include.h \
	src/conf/listen_spec.c src/conf/listen_spec.h src/conf/option.c \
	src/conf/option.h src/conf/reload.c src/conf/reload.h \
	src/conf/secret.c src/conf/secret.h src/conf/settings.c \
	src/conf/settings.h src/conf/suggest.c src/conf/suggest.h \
	src/conf/syntax.c src/conf/syntax.h src/conf/units.c src/conf/units.h \
	src/conf/value.c src/conf/value.h \
	src/privilege/account.c src/privilege/account.h \
	src/privilege/background.c src/privilege/background.h \
	src/privilege/fdlimit.c src/privilege/fdlimit.h \
	src/privilege/landlock.c src/privilege/landlock.h \
	src/privilege/pidfile.c src/privilege/pidfile.h \
	src/privilege/privilege.c src/privilege/privilege.h \
	src/privilege/sandbox.h \
	src/check/inspect.c src/check/inspect.h src/check/inspect_addresses.c \
	src/check/inspect_database.c src/check/inspect_files.c \
	src/check/inspect_option.c \
	src/intake/frame.c src/intake/frame.h src/intake/intake.c \
	src/intake/intake.h src/intake/native.c src/intake/native.h \
	src/intake/native_scan.c src/intake/report.h src/intake/route.c \
	src/intake/route.h \
	src/edge/accept.c src/edge/accept.h src/edge/activation.c \
	src/edge/activation.h src/edge/admission.c src/edge/admission.h \
	src/edge/bind.c src/edge/bind.h src/edge/conn.c src/edge/conn.h \
	src/edge/inbuf.c src/edge/inbuf.h src/edge/limiter.c \
	src/edge/limiter.h src/edge/listener.c src/edge/listener.h \
	src/edge/origin.c src/edge/origin.h src/edge/proxy.c src/edge/proxy.h \
	src/edge/server.c src/edge/server.h src/edge/tarpit.c \
	src/edge/tarpit.h src/edge/tls.h src/edge/tls_load.c \
	src/edge/tls_load.h \
	src/worker/backoff.h src/worker/deadletter.c src/worker/deadletter.h \
	src/worker/flush.c src/worker/flush.h src/worker/round.c \
	src/worker/round.h src/worker/store.c src/worker/store.h \
	src/worker/trial.c src/worker/trial.h src/worker/worker.c \
	src/worker/worker.h src/worker/worker_files.c \
	src/worker/worker_files.h \
	src/master/change.c src/master/child.c src/master/child.h \
	src/master/child_state.c src/master/child_state.h \
	src/master/generation.c src/master/generation.h src/master/instance.c \
	src/master/instance.h src/master/master.c src/master/master.h \
	src/master/notify.c src/master/notify.h src/master/respawn.c \
	src/master/respawn.h src/master/retire.c src/master/retire.h \
	src/master/sample.c src/master/sample.h src/master/shutdown.c \
	src/master/state.h \
	src/status/health.c src/status/health.h src/status/keys.c \
	src/status/keys.h src/status/metric.c src/status/metric.h \
	src/status/range.c src/status/range.h src/status/rates.c \
	src/status/rates.h src/status/scan.c src/status/scan.h \
	src/status/services.c src/status/services.h src/status/status.c \
	src/status/status.h src/status/status_json.c \
	src/status/status_prometheus.c src/status/status_text.c \
	src/send/encode.c src/send/encode.h src/send/feed.c src/send/feed.h \
	src/send/lines.c src/send/lines.h src/send/replay.c src/send/replay.h \
	src/send/sender.c src/send/sender.h src/send/tls_client.h
nodist_src_libreporter_a_SOURCES = $(proto_sources)
if SECCOMP
src_libreporter_a_SOURCES += src/privilege/sandbox.c
endif
if HAVE_OPENSSL
src_libreporter_a_SOURCES += src/edge/tls.c src/send/tls_client.c \
	src/lib/tls_error.c src/lib/tls_error.h
else
src_libreporter_a_SOURCES += src/edge/tls_none.c
endif

sbin_PROGRAMS += src/reporter src/reporterctl
src_reporter_SOURCES = src/main.c
src_reporter_LDADD = $(our_libs)
src_reporterctl_SOURCES = src/ctl/main.c src/ctl/ctl.h \
	src/ctl/check.c src/ctl/keys.c \
	src/ctl/replay.c src/ctl/status.c \
	src/ctl/top.c src/ctl/top.h src/ctl/top_lines.c src/ctl/watch.c
if WITH_NCURSES
src_reporterctl_SOURCES += src/ctl/top_screen.c
endif
src_reporterctl_LDADD = $(our_libs) $(NCURSES_LIBS)

if WITH_MICROHTTPD
sbin_PROGRAMS += src/reporter-web
endif
src_reporter_web_SOURCES = src/web/main.c \
	src/web/page.c src/web/page.h \
	src/web/server.c src/web/server.h
src_reporter_web_LDADD = $(our_libs) $(MICROHTTPD_LIBS)

bin_PROGRAMS += src/reporter-send
src_reporter_send_SOURCES = src/send/reporter-send.c
src_reporter_send_LDADD = $(our_libs)

include src/bench.mk
