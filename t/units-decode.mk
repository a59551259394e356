# Check suites of decoding and routing.
check_PROGRAMS += t/unit_native t/unit_frame t/unit_route
TESTS += t/unit_native t/unit_frame t/unit_route
EXTRA_DIST += t/wire/elb-reports.bin t/wire/lars-report.bin

t_unit_native_SOURCES = t/unit_native.c t/native_oracle.c t/native_oracle.h \
	t/difference.c t/difference.h t/bytes.h
t_unit_native_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(MSGPACK_CFLAGS)
t_unit_native_LDADD = $(unit_libs) $(CHECK_LIBS) $(MSGPACK_LIBS)

t_unit_frame_SOURCES = t/unit_frame.c t/frame_oracle.c t/frame_oracle.h \
	t/difference.c t/difference.h t/bytes.h
t_unit_frame_CPPFLAGS = $(AM_CPPFLAGS) -Isrc/intake $(CHECK_CFLAGS) \
	$(PROTOBUF_CFLAGS)
t_unit_frame_LDADD = $(unit_libs) $(CHECK_LIBS) $(PROTOBUF_LIBS)

t_unit_route_SOURCES = t/unit_route.c
t_unit_route_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_route_LDADD = $(unit_libs) $(CHECK_LIBS)
