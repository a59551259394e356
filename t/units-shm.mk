# Check suites of the shared memory library.
shm_units = t/unit_ring t/unit_segment t/unit_table
check_PROGRAMS += $(shm_units)
TESTS += $(shm_units)

t_unit_ring_SOURCES = t/unit_ring.c
t_unit_ring_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_ring_LDADD = shm/libshm.a $(CHECK_LIBS)

t_unit_segment_SOURCES = t/unit_segment.c
t_unit_segment_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_segment_LDADD = shm/libshm.a $(CHECK_LIBS)

t_unit_table_SOURCES = t/unit_table.c
t_unit_table_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_table_LDADD = shm/libshm.a $(CHECK_LIBS)
