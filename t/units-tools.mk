# Check suites of the tools.
tools_cppflags = $(AM_CPPFLAGS) -Isrc/intake -I$(srcdir)/t $(CHECK_CFLAGS) \
	$(MSGPACK_CFLAGS) $(PROTOBUF_CFLAGS) $(JANSSON_CFLAGS)
tools_libs = src/libreporter.a shm/libshm.a $(MSGPACK_LIBS) $(PROTOBUF_LIBS) \
	$(JANSSON_LIBS) $(CHECK_LIBS)
tools_units = t/unit_encode t/unit_health t/unit_lines t/unit_rates \
	t/unit_replay t/unit_sender t/unit_services t/unit_status t/unit_survey
check_PROGRAMS += $(tools_units)
TESTS += $(tools_units)

t_unit_encode_SOURCES = t/unit_encode.c
t_unit_encode_CPPFLAGS = $(tools_cppflags)
t_unit_encode_LDADD = $(tools_libs)

t_unit_health_SOURCES = t/unit_health.c
t_unit_health_CPPFLAGS = $(tools_cppflags)
t_unit_health_LDADD = $(tools_libs)

t_unit_lines_SOURCES = t/unit_lines.c
t_unit_lines_CPPFLAGS = $(tools_cppflags)
t_unit_lines_LDADD = $(tools_libs)

t_unit_rates_SOURCES = t/unit_rates.c
t_unit_rates_CPPFLAGS = $(tools_cppflags)
t_unit_rates_LDADD = $(tools_libs)

t_unit_replay_SOURCES = t/unit_replay.c t/sink.c t/sink.h
t_unit_replay_CPPFLAGS = $(tools_cppflags)
t_unit_replay_LDADD = $(tools_libs)

t_unit_sender_SOURCES = t/unit_sender.c t/sink.c t/sink.h
t_unit_sender_CPPFLAGS = $(tools_cppflags)
t_unit_sender_LDADD = $(tools_libs)

t_unit_status_SOURCES = t/unit_status.c
t_unit_status_CPPFLAGS = $(tools_cppflags)
t_unit_status_LDADD = $(tools_libs)

t_unit_survey_SOURCES = t/unit_survey.c
t_unit_survey_CPPFLAGS = $(tools_cppflags)
t_unit_survey_LDADD = $(tools_libs)

t_unit_services_SOURCES = t/unit_services.c
t_unit_services_CPPFLAGS = $(tools_cppflags)
t_unit_services_LDADD = $(tools_libs)
