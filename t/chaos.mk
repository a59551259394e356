# The daemon once more, with the seams that let tests kill it at a named point
# and make its calls fail.
check_LIBRARIES += t/libfault.a
t_libfault_a_SOURCES = t/fault_db.c t/faultpoint.c t/faultpoint.h \
	$(shm_libshm_a_SOURCES) $(sql_libsql_a_SOURCES) \
	$(src_libreporter_a_SOURCES)
nodist_t_libfault_a_SOURCES = $(proto_sources)
t_libfault_a_CPPFLAGS = $(AM_CPPFLAGS) -DREPORTER_FAULTS
t_libfault_a_CFLAGS = $(STD_CFLAGS) $(WARN_CFLAGS) $(SANITIZE_CFLAGS)

# Calls of our own code that can be made to fail; the C library's and the other
# libraries' own are left alone.  Keep it in step with t/fault_calls.c.
fault_calls = malloc calloc realloc strdup strndup fopen open_memstream \
	epoll_create1 epoll_ctl signalfd socket bind listen getrlimit \
	setrlimit shm_open posix_fallocate mmap flock fstat ftruncate \
	opendir open fork pthread_create getrandom

check_PROGRAMS += t/reporter-fault t/reporter-older
EXTRA_DIST += t/chaos.py
t_reporter_fault_SOURCES = src/main.c t/fault_calls.c
t_reporter_fault_CPPFLAGS = $(t_libfault_a_CPPFLAGS)
t_reporter_fault_CFLAGS = $(t_libfault_a_CFLAGS) -fno-builtin -Wno-undef
t_reporter_fault_LDFLAGS = $(AM_LDFLAGS) $(fault_calls:%=-Wl,--wrap=%)
t_reporter_fault_LDADD = t/libfault.a $(system_libs)

# The daemon with another layout of segments, for an upgrade.
t_reporter_older_SOURCES = src/main.c shm/segment.c
t_reporter_older_CPPFLAGS = $(AM_CPPFLAGS) -DSEGMENT_VERSION=10
t_reporter_older_LDADD = $(our_libs)

t_unit_fault_CPPFLAGS = $(t_libfault_a_CPPFLAGS)
t_unit_fault_LDADD = t/libtest.a t/libfault.a $(LDADD)

# Any number of seeds: make chaos SEEDS=1000 [FIRST=1]
SEEDS = 100
FIRST = 1
chaos: all t/reporter-fault$(EXEEXT)
	$(python) $(srcdir)/t/chaos.py $(FIRST) $(SEEDS)
.PHONY: chaos
