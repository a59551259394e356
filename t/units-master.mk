# Check suites of the master's and the workers' modules.
master_units = t/unit_respawn t/unit_order t/unit_round t/unit_intake \
	t/unit_child t/unit_deadletter t/unit_trial t/unit_worker_files
check_PROGRAMS += $(master_units)
TESTS += $(master_units)

master_unit_ldadd = $(unit_libs) $(CHECK_LIBS) $(JANSSON_LIBS)

t_unit_respawn_SOURCES = t/unit_respawn.c
t_unit_respawn_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_respawn_LDADD = $(master_unit_ldadd)

t_unit_order_SOURCES = t/unit_order.c
t_unit_order_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_order_LDADD = $(master_unit_ldadd)

t_unit_round_SOURCES = t/unit_round.c
t_unit_round_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_round_LDADD = $(master_unit_ldadd)

t_unit_intake_SOURCES = t/unit_intake.c
t_unit_intake_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_intake_LDADD = $(master_unit_ldadd)

t_unit_child_SOURCES = t/unit_child.c
t_unit_child_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_child_LDADD = $(master_unit_ldadd) $(MYSQL_LIBS) $(INIH_LIBS) \
	$(SECCOMP_LIBS)

t_unit_deadletter_SOURCES = t/unit_deadletter.c
t_unit_deadletter_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
t_unit_deadletter_LDADD = $(master_unit_ldadd)

t_unit_trial_SOURCES = t/unit_trial.c
t_unit_trial_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_trial_LDADD = $(master_unit_ldadd)

t_unit_worker_files_SOURCES = t/unit_worker_files.c
t_unit_worker_files_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_worker_files_LDADD = $(master_unit_ldadd)

# Without libseccomp there is nothing to test.
if SECCOMP
check_PROGRAMS += t/unit_sandbox
TESTS += t/unit_sandbox
t_unit_sandbox_SOURCES = t/unit_sandbox.c
t_unit_sandbox_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
t_unit_sandbox_LDADD = $(master_unit_ldadd) $(SECCOMP_LIBS)
endif
