# The daemon and the tools.  Everything but the main programs is in a library,
# so that the tests can link it.  A module is a .c and a .h.
lib_modules = src/lib/address src/lib/clock src/lib/complain \
	src/lib/file src/lib/log \
	src/lib/prefix src/lib/process src/lib/text
intake_modules = src/intake/frame src/intake/intake src/intake/native \
	src/intake/route
edge_modules = src/edge/admission \
	src/edge/ark src/edge/bind \
	src/edge/conn src/edge/inbuf src/edge/limiter \
	src/edge/listener src/edge/notice src/edge/proxy \
	src/edge/server src/edge/tarpit
edge_sources = $(edge_modules:=.c) src/edge/accept.c src/edge/carry.c \
	src/edge/header.c
modules = $(lib_modules) $(intake_modules) $(edge_modules) \
	src/conf/option \
	src/conf/reload src/conf/secret src/conf/settings \
	src/privilege/daemon src/privilege/privilege \
	src/check/inspect \
	src/worker/deadletter src/worker/flush src/worker/retention src/worker/round \
	src/worker/store src/worker/trial src/worker/worker \
	src/worker/worker_files \
	src/master/child src/master/child_state src/master/generation \
	src/master/handover \
	src/master/instance src/master/master src/master/notify \
	src/master/retire src/master/sample \
	src/status/filter src/status/health src/status/lists src/status/look \
	src/status/metric src/status/names \
	src/status/scan src/status/status \
	src/status/timeline \
	src/send/check src/send/encode src/send/feed src/send/lines src/send/replay \
	src/send/sender
if SECCOMP
modules += src/privilege/sandbox
endif

noinst_LIBRARIES += src/libreporter.a
src_libreporter_a_SOURCES = $(modules:=.c) $(modules:=.h) \
	src/check/inspect_files.c src/conf/conffile.c src/conf/value.c \
	src/edge/accept.c src/edge/carry.c src/edge/header.c src/edge/tls.h \
	src/lib/json.h src/lib/long_options.h src/lib/pem.h \
	src/intake/report.h src/master/change.c \
	src/master/removed.c src/master/shutdown.c src/master/state.h \
	src/status/look_group.c src/status/look_read.c src/status/look_state.c src/status/look_state.h \
	src/status/prometheus.c src/status/status_json.c \
	src/status/status_text.c src/worker/backoff.h \
	src/worker/alone.c src/worker/attempt.c src/worker/store_state.h
nodist_src_libreporter_a_SOURCES = $(proto_sources)
if HAVE_OPENSSL
src_libreporter_a_SOURCES += src/edge/tls.c src/lib/pem.c
endif

# The schemas of the ELB and Lars dialects.  The decoder does not use the
# generated code; reporter-send and the tests, which compare with it, do.
proto_sources = src/intake/elb.pb-c.c src/intake/elb.pb-c.h \
	src/intake/lars.pb-c.c src/intake/lars.pb-c.h
BUILT_SOURCES = $(proto_sources)
CLEANFILES += $(proto_sources)
EXTRA_DIST += src/intake/elb.proto src/intake/lars.proto
%.pb-c.c %.pb-c.h: %.proto
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(PROTOC_C) \
		--proto_path=$(srcdir)/src/intake --c_out=$(@D) $<

bin_PROGRAMS += src/reporter-send
src_reporter_send_SOURCES = src/send/reporter-send.c
src_reporter_send_LDADD = $(our_libs)

sbin_PROGRAMS += src/reporter src/reporterctl
src_reporter_SOURCES = src/main.c
src_reporter_LDADD = $(our_libs)
src_reporterctl_SOURCES = src/ctl/ctl.h src/ctl/find.c src/ctl/lists.c \
	src/ctl/main.c src/ctl/status.c src/ctl/top.c \
	src/ctl/top.h src/ctl/top_lines.c src/ctl/watch.c
if WITH_NCURSES
src_reporterctl_SOURCES += src/ctl/top_screen.c
endif
src_reporterctl_LDADD = $(our_libs) $(NCURSES_LIBS)

if WITH_MICROHTTPD
sbin_PROGRAMS += src/reporter-web
dist_man_MANS += man/reporter-web.8
endif
web_sources = src/web/api.c src/web/page.c src/web/page.h \
	src/web/rows.c src/web/sampler.c src/web/sampler.h
src_reporter_web_SOURCES = $(web_sources) src/web/files.c src/web/files.h \
	src/web/main.c src/web/server.c src/web/server.h
nodist_src_reporter_web_SOURCES = src/web/assets.c
page_files = $(sort $(foreach type,html js css svg, \
	$(wildcard $(srcdir)/src/web/page/*.$(type))))
EXTRA_DIST += src/web/page src/web/page.sed src/web/embed.sh
CLEANFILES += src/web/assets.c
# A directory, which make would build from page.c if that is newer.
src/web/page: ;
src/web/assets.c: $(page_files) $(srcdir)/src/web/embed.sh \
		$(srcdir)/src/web/page.sed
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SHELL) $(srcdir)/src/web/embed.sh \
		$(page_files) >$@.tmp && mv $@.tmp $@
src_reporter_web_LDADD = $(our_libs) $(MICROHTTPD_LIBS)
