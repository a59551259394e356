# Tests of what stands before the reports of a connection: PROXY header and TLS.
gate_units = t/unit_proxy t/unit_listen_spec
check_PROGRAMS += $(gate_units)
TESTS += $(gate_units)

t_unit_proxy_SOURCES = t/unit_proxy.c
t_unit_proxy_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_proxy_LDADD = $(unit_libs) $(CHECK_LIBS)

t_unit_listen_spec_SOURCES = t/unit_listen_spec.c
t_unit_listen_spec_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_listen_spec_LDADD = $(unit_libs) $(CHECK_LIBS)

gate_scenarios = \
	t/scenario_tls_agents.py \
	t/scenario_tls_backpressure.py \
	t/scenario_proxy_protocol.py
EXTRA_DIST += $(gate_scenarios) t/tls.py
if HAVE_OPENSSL
TESTS += $(gate_scenarios)
endif
