# Tests of the sources and of an installation, and targets for people.
text_tests = t/alerts.py t/configure.py t/containerfile.py t/hardening.py \
	t/layers.py t/messages.py t/translations.py
TESTS += $(text_tests)
EXTRA_DIST += $(text_tests) t/analyse.sh t/container.py t/coverage.sh \
	t/format.sh \
	t/check_mysql.sh t/flat_costs.py t/steps.sh t/profile.py t/release.sh \
	t/reporter.rules.test.yml t/targets.py t/web_cost.py

# hardening.py compares the programs with what configure chose; configure.py runs
# configure with the same compiler.
AM_TESTS_ENVIRONMENT = export abs_top_builddir='$(abs_top_builddir)' \
	abs_top_srcdir='$(abs_top_srcdir)' CC='$(CC)' CFLAGS='$(CFLAGS)' \
	HARDENING='$(HARDEN_CFLAGS) $(HARDEN_LDFLAGS)' \
	SANITIZERS='$(SANITIZE_CFLAGS)';
TEST_EXTENSIONS = .py
PY_LOG_COMPILER = $(PYTHON3)
AM_PY_LOG_FLAGS = -B

python = $(AM_TESTS_ENVIRONMENT) $(PYTHON3) -B

# Each performance target with its figure and whether it is met.  The short form
# takes less than a minute and has fewer keys; a missed target is no failure.
bench: src/reporter-bench src/reporter
	$(python) $(srcdir)/t/targets.py
bench-short: src/reporter-bench src/reporter
	$(python) $(srcdir)/t/targets.py --short

# The cost of a record by workers, connections and sizes; ten minutes.
bench-flat: all t/offsets$(EXEEXT)
	$(python) $(srcdir)/t/flat_costs.py

# Where the time goes, stage by stage; requires perf and root.
profile: src/reporter-bench src/reporter
	$(python) $(srcdir)/t/profile.py

# What settings of the database cost, and what others do with the same keys:
# INTO=INSTALL.md and INTO=PERFORMANCE.md put the tables there.  BENCH has options
# of the scripts, as in BENCH="--keys 100k".
bench-database: src/reporter-bench src/reporter
	$(python) $(srcdir)/t/bench/database.py $(INTO:%=--into $(srcdir)/%) \
		$(BENCH)
bench-peers: src/reporter
	$(python) $(srcdir)/t/bench/peers.py $(INTO:%=--into $(srcdir)/%) \
		$(BENCH)

# What counting a call costs an agent.
check_PROGRAMS += t/bench_client
bench-client: t/bench_client$(EXEEXT)
	t/bench_client

# Whether the libraries have the ABI that is in src/client; abi writes it there
# (Debian's abigail-tools; CFLAGS must have -g).
abidw = abidw $(include_HEADERS:%=--hf $(srcdir)/%) --drop-private-types \
	--no-corpus-path --no-comp-dir-path --no-show-locs --out-file
check-abi: $(client_DATA)
	@command -v abidiff >/dev/null || { echo "skipped: abidiff was not" \
		"found: install Debian's package abigail-tools"; exit 0; }; \
	test `uname -m` = x86_64 || { \
		echo "skipped: the ABI is recorded for x86_64"; exit 0; }; \
	for so in $(client_DATA); do \
		$(abidw) $$so.abi $$so && \
		abidiff $(srcdir)/$${so%.so.0}.abi $$so.abi && \
		echo "$$so: the same ABI" || exit 1; done
abi: $(client_DATA)
	for so in $(client_DATA); do \
		$(abidw) $(srcdir)/$${so%.so.0}.abi $$so || exit 1; done

# An agent with the library through a minute without a reporter, a host that is
# lost, and a long chaos, in some minutes.
check-client: all t/reporter-fault
	$(python) $(srcdir)/t/scenario_client_library.py --long

# The client under valgrind; ASan looks for leaks.
check-valgrind: t/unit_client$(EXEEXT)
	CK_RUN_CASE=client CK_FORK=no CK_TIMEOUT_MULTIPLIER=10 valgrind -q --error-exitcode=9 \
		--fair-sched=yes t/unit_client

# gcc -fanalyzer, scan-build and cppcheck over the whole tree, in some minutes.
analyse:
	@MAKE='$(MAKE)' $(SHELL) $(srcdir)/t/analyse.sh

# The tests on MySQL, in a root directory of Debian's unstable: check_mysql.sh.
check-mysql: all
	@$(check_mysql) long || test $$? = 77
check-mysql-short: all
	@$(check_mysql) short || test $$? = 77
mysql-root:
	@$(check_mysql) root || test $$? = 77
check_mysql = cd $(srcdir) && \
	units=`grep -l '"db_fixture.h"' $(units:=.c) | $(SED) 's/\.c$$//' | \
		tr '\n' ' '` && \
	long=`{ grep -lE '(database|s)\.start\(' $(scenarios); \
		printf '%s\n' $(database_stories:=.py); } | sort -u` && \
	cd $(abs_top_builddir) && \
	abs_top_srcdir='$(abs_top_srcdir)' MAKE='$(MAKE)' UNITS="$$units" \
	SHORT='$(filter-out $(slow_stories:=.py),$(database_stories:=.py))' LONG="$$long" \
	OLD='$(database_stories:=.py) $(report_stories:=.py)' \
	$(SHELL) $(abs_top_srcdir)/t/check_mysql.sh

# 10,000 agents through 20 restarts.
check-restarts: all t/crowd t/reporter-older
	$(python) $(srcdir)/t/scenario_restart_keeps_agents.py 10000 20

# The recipe of the image, carried out in root directories.
check-container: all
	$(python) $(srcdir)/t/container.py || test $$? = 77

# What the page costs: a million keys, a hundred viewers.
check-web-cost: all
	$(python) $(srcdir)/t/web_cost.py

# All tests but those that take long because they wait.
check-quick:
	$(MAKE) $(AM_MAKEFLAGS) check \
		TESTS='$(filter-out $(slow_stories:=.py),$(TESTS))'

# Which lines the tests run: make coverage [COVER="t/unit_ring ..."].
COVER =
coverage:
	@$(AM_TESTS_ENVIRONMENT) MAKE='$(MAKE)' \
		$(SHELL) $(srcdir)/t/coverage.sh $(COVER) || test $$? = 77

# Which files clang-format would change; format-fix changes them.
format:
	@$(SHELL) $(srcdir)/t/format.sh $(srcdir) || test $$? = 77
format-fix:
	@$(SHELL) $(srcdir)/t/format.sh $(srcdir) -i

# Compile all tests, and run none.
check-programs:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS=

# The unit suites that start threads: what a build with --enable-tsan is for.
check-threads:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS="`cd $(srcdir) && \
		grep -l pthread_create $(units:=.c) | $(SED) 's/\.c$$//' | \
		tr '\n' ' '`"

# distcheck with a short list of tests: the archive has all that they need, and
# the build works from a source that cannot be written.
short_stories = database_tls elb_frames_reach_the_table init_script \
	installation native_reports_reach_the_table \
	reload_workers_under_load shell_is_clean unit_files
# The suites that read files of the source.
short_units = db encode frame intake option status
short_tests = $(short_units:%=t/unit_%) $(text_tests) t/fuzz_corpus.py \
	$(short_stories:%=t/scenario_%.py)
distcheck-short:
	$(MAKE) $(AM_MAKEFLAGS) distcheck TESTS='$(short_tests)'

# The database's data directory that all scenarios copy, and what the targets
# make.
clean-local:
	-rm -rf t/go-cache t/scenario-data analyse axe container coverage fuzz mysql packages \
		shots
.PHONY: abi bench bench-client bench-database bench-flat bench-peers bench-short check-abi check-client check-valgrind check-mysql check-mysql-short check-quick mysql-root \
	check-restarts check-container check-web-cost profile analyse coverage format format-fix \
	check-programs check-threads distcheck-short
