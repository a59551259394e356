# reporter-bench.  Its parts are in a library, so that the unit test can link
# the pure ones.
noinst_LIBRARIES += src/bench/libbench.a
src_bench_libbench_a_SOURCES = \
	src/bench/absorb.c src/bench/absorb.h \
	src/bench/backlog.c src/bench/bench.h \
	src/bench/base.c src/bench/base.h \
	src/bench/fail.c src/bench/fail.h \
	src/bench/figure.c \
	src/bench/flat.c src/bench/flat.h \
	src/bench/flush_bench.c src/bench/flush_bench.h \
	src/bench/fresh.c src/bench/fresh.h \
	src/bench/generator.c src/bench/generator.h \
	src/bench/goal.c src/bench/goal.h \
	src/bench/keyset.c src/bench/keyset.h \
	src/bench/list.c \
	src/bench/options.c src/bench/options.h \
	src/bench/pacer.c src/bench/pacer.h \
	src/bench/process.c src/bench/process.h \
	src/bench/quantile.c src/bench/quantile.h \
	src/bench/rawsink.c src/bench/rawsink.h \
	src/bench/results.c src/bench/results.h \
	src/bench/self.c src/bench/self.h src/bench/servers.c \
	src/bench/site.c src/bench/site.h \
	src/bench/stream.c src/bench/stream.h \
	src/bench/supervise.c src/bench/supervise.h \
	src/bench/targets.c \
	src/bench/watch.c src/bench/watch.h
nodist_src_bench_libbench_a_SOURCES = src/bench/schema.inc

bin_PROGRAMS += src/reporter-bench
src_reporter_bench_SOURCES = src/bench/main.c
src_reporter_bench_LDADD = src/bench/libbench.a $(our_libs)

# The schema as text of C, for the private database of --self.
BUILT_SOURCES += src/bench/schema.inc
CLEANFILES += src/bench/schema.inc
src/bench/schema.inc: sql/schema.sql
	$(AM_V_GEN)$(MKDIR_P) src/bench && { \
	    echo '#define SCHEMA_SQL \'; \
	    $(SED) -e 's/["\\]/\\&/g' -e 's/.*/	"&\\n" \\/' \
		$(srcdir)/sql/schema.sql; echo '	""'; } >$@
src/bench/servers.$(OBJEXT): src/bench/schema.inc
