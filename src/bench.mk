# reporter-bench: a script, and the engine that it runs, whose parts are in a
# library, so that tests can link them.
noinst_LIBRARIES += src/bench/libbench.a
src_bench_libbench_a_SOURCES = \
	src/bench/base.c src/bench/bench.h src/bench/bench_absorb.c \
	src/bench/bench_flush.c src/bench/bench_fresh.c src/bench/engine.c \
	src/bench/generator.c src/bench/load.c src/bench/site.c \
	src/bench/watch.c

pkglibexec_PROGRAMS = src/bench/reporter-bench-engine
src_bench_reporter_bench_engine_SOURCES = src/bench/main.c
src_bench_reporter_bench_engine_LDADD = src/bench/libbench.a $(our_libs)

# The script of --self has the schema for its private database.
bench_scripts = src/reporter-bench src/bench/reporter-bench-self
bin_SCRIPTS = src/reporter-bench
pkglibexec_SCRIPTS = src/bench/reporter-bench-self
EXTRA_DIST += src/bench/reporter-bench.py src/bench/reporter-bench-self.sh
CLEANFILES += $(bench_scripts)
bench_script = $(MKDIR_P) src/bench && $(SED) \
	-e 's|@version[@]|$(VERSION)|' -e 's|@sbindir[@]|$(sbindir)|' \
	-e 's|@pkglibexecdir[@]|$(pkglibexecdir)|' \
	-e '/^@schema[@]/{' -e 'r $(srcdir)/sql/schema.sql' -e d -e '}'
src/reporter-bench: Makefile src/bench/reporter-bench.py
	$(AM_V_GEN)$(bench_script) $(srcdir)/src/bench/reporter-bench.py \
		>$@.new && chmod 755 $@.new && mv $@.new $@
src/bench/reporter-bench-self: Makefile src/bench/reporter-bench-self.sh \
		sql/schema.sql
	$(AM_V_GEN)$(bench_script) $(srcdir)/src/bench/reporter-bench-self.sh \
		>$@.new && chmod 755 $@.new && mv $@.new $@
