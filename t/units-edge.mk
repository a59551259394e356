# Check suites of the limits at the edge.
edge_units = t/unit_admission t/unit_pace t/unit_tarpit t/unit_work
check_PROGRAMS += $(edge_units)
TESTS += $(edge_units)

t_unit_admission_SOURCES = t/unit_admission.c
t_unit_admission_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_admission_LDADD = $(unit_libs) $(CHECK_LIBS)

t_unit_pace_SOURCES = t/unit_pace.c
t_unit_pace_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_pace_LDADD = $(unit_libs) $(CHECK_LIBS)

t_unit_tarpit_SOURCES = t/unit_tarpit.c
t_unit_tarpit_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_tarpit_LDADD = $(unit_libs) $(CHECK_LIBS)

# Everything between the socket and the ring, built to count its work: each
# basic block calls __sanitizer_cov_trace_pc(), which the test provides, and
# copies and allocations go through the test.
check_LIBRARIES += t/libwork.a
t_libwork_a_SOURCES = \
	shm/counters.c shm/record.c shm/ring.c src/edge/accept.c \
	src/edge/admission.c src/edge/bind.c src/edge/chain.c src/edge/conn.c \
	src/edge/conns.c src/edge/held.c src/edge/inflow.c \
	src/edge/listener.c \
	src/edge/origin.c src/edge/pace.c \
	src/edge/tarpit.c src/edge/throttle.c \
	src/intake/frame.c src/intake/intake.c src/intake/native.c \
	src/intake/native_scan.c src/intake/report.c src/intake/route.c \
	src/lib/address.c src/lib/clock.c src/lib/log.c src/lib/prefix.c \
	src/lib/text.c
t_libwork_a_CPPFLAGS = $(AM_CPPFLAGS)
t_libwork_a_CFLAGS = $(STD_CFLAGS) $(WARN_CFLAGS) $(SANITIZE_CFLAGS) \
	-fsanitize-coverage=trace-pc -fno-builtin

t_unit_work_SOURCES = t/unit_work.c t/bytes.h
t_unit_work_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_work_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=memcpy -Wl,--wrap=memmove \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
t_unit_work_LDADD = t/libwork.a $(unit_libs) $(CHECK_LIBS)

# Scenarios with more agents than a script can play.
check_PROGRAMS += t/crowd
t_crowd_SOURCES = t/crowd.c
t_crowd_CPPFLAGS = $(AM_CPPFLAGS)
t_crowd_LDADD =
edge_scenarios = \
	t/scenario_slow_agents.py \
	t/scenario_agents_come_back_at_once.py \
	t/scenario_refused_agents_are_held.py \
	t/scenario_malformed_by_the_million.py \
	t/scenario_limits_are_live.py \
	t/scenario_descriptors_run_out.py
TESTS += $(edge_scenarios)
EXTRA_DIST += $(edge_scenarios) t/crowd.py
