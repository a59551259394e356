# Check suites of configuration and log.
config_tests = t/unit_option t/unit_settings t/unit_secret t/unit_log \
	t/unit_prefix t/unit_inspect
check_PROGRAMS += $(config_tests)
TESTS += $(config_tests)

t_unit_option_SOURCES = t/unit_option.c t/config_fixture.c t/config_fixture.h
t_unit_option_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_option_LDADD = $(unit_libs) $(CHECK_LIBS) $(INIH_LIBS)

t_unit_settings_SOURCES = t/unit_settings.c t/config_fixture.c \
	t/config_fixture.h
t_unit_settings_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_settings_LDADD = $(unit_libs) $(CHECK_LIBS) $(INIH_LIBS)

t_unit_secret_SOURCES = t/unit_secret.c t/config_fixture.c \
	t/config_fixture.h
t_unit_secret_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_secret_LDADD = $(unit_libs) $(CHECK_LIBS) $(INIH_LIBS)

t_unit_log_SOURCES = t/unit_log.c
t_unit_log_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_log_LDADD = $(unit_libs) $(CHECK_LIBS) $(INIH_LIBS)

t_unit_inspect_SOURCES = t/unit_inspect.c
t_unit_inspect_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_inspect_LDADD = $(unit_libs) $(CHECK_LIBS) $(INIH_LIBS)

t_unit_prefix_SOURCES = t/unit_prefix.c
t_unit_prefix_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_prefix_LDADD = $(unit_libs) $(CHECK_LIBS) $(INIH_LIBS)
