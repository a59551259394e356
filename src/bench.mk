# reporter-bench.  Its parts are in a library, so that tests can link them.
noinst_LIBRARIES += src/bench/libbench.a
src_bench_libbench_a_SOURCES = \
	src/bench/base.c src/bench/bench.h src/bench/bench_absorb.c \
	src/bench/bench_flush.c src/bench/bench_fresh.c src/bench/figure.c \
	src/bench/generator.c src/bench/keyset.c src/bench/options.c \
	src/bench/own.c src/bench/process.c src/bench/rawsink.c \
	src/bench/report.c src/bench/site.c src/bench/util.c \
	src/bench/watch.c
AM_CPPFLAGS += -DPKGLIBEXECDIR='"$(pkglibexecdir)"'

bin_PROGRAMS += src/reporter-bench
src_reporter_bench_SOURCES = src/bench/main.c
src_reporter_bench_LDADD = src/bench/libbench.a $(our_libs)

# The script of --self, with the schema for its private database.
self_script = src/bench/reporter-bench-self
pkglibexec_SCRIPTS = $(self_script)
EXTRA_DIST += $(self_script).sh
CLEANFILES += $(self_script)
$(self_script): Makefile $(srcdir)/$(self_script).sh $(srcdir)/sql/schema.sql
	$(AM_V_GEN)$(MKDIR_P) src/bench && $(SED) \
		-e 's|@sbindir[@]|$(sbindir)|' \
		-e '/^@schema[@]/{' -e 'r $(srcdir)/sql/schema.sql' -e d -e '}' \
		$(srcdir)/$@.sh >$@.new && chmod 755 $@.new && mv $@.new $@
