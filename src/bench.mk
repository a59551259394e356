# reporter-bench.  Its parts are in a library, so that tests can link them.
noinst_LIBRARIES += src/bench/libbench.a
src_bench_libbench_a_SOURCES = \
	src/bench/base.c src/bench/bench.h src/bench/bench_absorb.c \
	src/bench/bench_flush.c src/bench/bench_fresh.c \
	src/bench/db_server.c src/bench/db_server.h src/bench/figure.c \
	src/bench/generator.c src/bench/keyset.c src/bench/load.h \
	src/bench/options.c src/bench/own.c src/bench/process.c \
	src/bench/process.h src/bench/rawsink.c src/bench/report.c \
	src/bench/report.h src/bench/site.c src/bench/site.h \
	src/bench/util.c src/bench/watch.c
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
src/bench/own.$(OBJEXT): src/bench/schema.inc
