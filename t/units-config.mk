# Check suites of configuration and log.
check_PROGRAMS += t/unit_option t/unit_log t/unit_prefix
TESTS += t/unit_option t/unit_log t/unit_prefix

t_unit_option_SOURCES = t/unit_option.c
t_unit_option_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_option_LDADD = $(unit_libs) $(CHECK_LIBS) $(INIH_LIBS)

t_unit_log_SOURCES = t/unit_log.c
t_unit_log_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_log_LDADD = $(unit_libs) $(CHECK_LIBS) $(INIH_LIBS)

t_unit_prefix_SOURCES = t/unit_prefix.c
t_unit_prefix_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_prefix_LDADD = $(unit_libs) $(CHECK_LIBS) $(INIH_LIBS)
