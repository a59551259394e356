# Tests of the sources and of an installation, and targets for people.
text_tests = t/hardening.py t/layers.py t/messages.py
TESTS += $(text_tests)
EXTRA_DIST += $(text_tests) t/analyse.sh t/profile.py t/targets.py

# hardening.py is given what configure chose, to know what to expect.
AM_TESTS_ENVIRONMENT = \
	abs_top_builddir='$(abs_top_builddir)'; export abs_top_builddir; \
	abs_top_srcdir='$(abs_top_srcdir)'; export abs_top_srcdir; \
	HARDENING='$(HARDEN_CFLAGS) $(HARDEN_LDFLAGS)'; export HARDENING; \
	SANITIZERS='$(SANITIZE_CFLAGS)'; export SANITIZERS; \
	CC='$(CC)'; export CC; CFLAGS='$(CFLAGS)'; export CFLAGS;
TEST_EXTENSIONS = .py
PY_LOG_COMPILER = $(PYTHON3)
AM_PY_LOG_FLAGS = -B

# How fast, against the targets: each with its figure and whether it is met.
# The short form takes less than a minute and fewer keys; neither fails because
# a target is missed.
bench: src/reporter-bench src/reporter
	$(AM_TESTS_ENVIRONMENT) $(PYTHON3) -B $(srcdir)/t/targets.py
bench-short: src/reporter-bench src/reporter
	$(AM_TESTS_ENVIRONMENT) $(PYTHON3) -B $(srcdir)/t/targets.py --short

# Where the time goes, stage by stage; needs perf, and root.
profile: src/reporter-bench src/reporter
	$(AM_TESTS_ENVIRONMENT) $(PYTHON3) -B $(srcdir)/t/profile.py

# What gcc -fanalyzer, scan-build and cppcheck find by reading the whole tree.
# Takes some minutes.
analyse:
	@MAKE='$(MAKE)' $(SHELL) $(srcdir)/t/analyse.sh

# The database's data directory that all scenarios copy, and what the targets
# make.
clean-local:
	-rm -rf t/scenario-data analyse fuzz
.PHONY: bench bench-short profile analyse
