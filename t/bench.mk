# How fast, against the targets: each with its figure and whether it is met.
# The short form takes less than a minute and fewer keys; neither fails because
# a target is missed.
bench: src/reporter-bench src/reporter
	src/reporter-bench --self targets
bench-short: src/reporter-bench src/reporter
	src/reporter-bench --self --short targets

# Where the time goes, stage by stage; needs perf, and root.
profile: src/reporter-bench src/reporter
	$(AM_TESTS_ENVIRONMENT) $(PYTHON3) -B $(srcdir)/t/profile.py
.PHONY: bench bench-short profile
EXTRA_DIST += t/profile.py

# The pure parts of reporter-bench.
check_PROGRAMS += t/unit_bench
TESTS += t/unit_bench
t_unit_bench_SOURCES = t/unit_bench.c
t_unit_bench_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src/bench $(CHECK_CFLAGS)
t_unit_bench_LDADD = src/bench/libbench.a $(unit_libs) $(CHECK_LIBS) \
	$(MSGPACK_LIBS) $(PROTOBUF_LIBS) -lm
