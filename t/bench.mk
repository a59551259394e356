# reporter-bench: a script, and the engine that it runs, whose parts are in a
# library, so that tests can link them.
noinst_LIBRARIES += t/bench/libbench.a
t_bench_libbench_a_SOURCES = \
	t/bench/base.c t/bench/bench.h t/bench/bench_absorb.c \
	t/bench/bench_flush.c t/bench/bench_fresh.c \
	t/bench/bench_site.c t/bench/engine.c t/bench/generator.c \
	t/bench/load.c t/bench/pacer.c t/bench/site.c t/bench/watch.c

pkglibexec_PROGRAMS = t/bench/reporter-bench-engine
t_bench_reporter_bench_engine_SOURCES = t/bench/main.c
t_bench_reporter_bench_engine_LDADD = t/bench/libbench.a $(our_libs)

# The script of --self has the schema for its private database.
bench_scripts = src/reporter-bench t/bench/reporter-bench-self
bin_SCRIPTS = src/reporter-bench
pkglibexec_SCRIPTS = t/bench/reporter-bench-self
EXTRA_DIST += t/bench/database.py t/bench/marks.py t/bench/peers.py \
	t/bench/reporter-bench.py t/bench/reporter-bench-self.sh
CLEANFILES += $(bench_scripts)
bench_script = $(MKDIR_P) $(@D) && $(SED) \
	-e 's|@version[@]|$(VERSION)|' -e 's|@sbindir[@]|$(sbindir)|' \
	-e 's|@pkglibexecdir[@]|$(pkglibexecdir)|' \
	-e '/^@schema[@]/{' -e 'r $(srcdir)/sql/schema.sql' -e d -e '}'
src/reporter-bench: Makefile t/bench/reporter-bench.py
	$(AM_V_GEN)$(bench_script) $(srcdir)/t/bench/reporter-bench.py \
		>$@.new && chmod 755 $@.new && mv $@.new $@
t/bench/reporter-bench-self: Makefile t/bench/reporter-bench-self.sh \
		sql/schema.sql
	$(AM_V_GEN)$(bench_script) $(srcdir)/t/bench/reporter-bench-self.sh \
		>$@.new && chmod 755 $@.new && mv $@.new $@
