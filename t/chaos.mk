# The daemon once more, with the seams that let tests kill it at a named point
# and make its calls fail.
fault_cflags = $(STD_CFLAGS) $(WARN_CFLAGS) $(SANITIZE_CFLAGS)

check_LIBRARIES += shm/libshmfault.a src/libreporterfault.a
shm_libshmfault_a_SOURCES = $(shm_libshm_a_SOURCES) \
	shm/faultpoint.c shm/faultpoint.h
shm_libshmfault_a_CPPFLAGS = $(AM_CPPFLAGS) -DREPORTER_FAULTS
shm_libshmfault_a_CFLAGS = $(fault_cflags)

src_libreporterfault_a_SOURCES = $(src_libreporter_a_SOURCES)
nodist_src_libreporterfault_a_SOURCES = $(proto_sources)
src_libreporterfault_a_CPPFLAGS = $(AM_CPPFLAGS) -DREPORTER_FAULTS
src_libreporterfault_a_CFLAGS = $(fault_cflags)

# Calls of our own code that can be made to fail; the C library's and the other
# libraries' own are left alone.  Keep it in step with t/fault_calls.c.
fault_wrap = \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc \
	-Wl,--wrap=strdup -Wl,--wrap=strndup -Wl,--wrap=fopen \
	-Wl,--wrap=open_memstream -Wl,--wrap=epoll_create1 \
	-Wl,--wrap=epoll_ctl -Wl,--wrap=signalfd -Wl,--wrap=socket \
	-Wl,--wrap=bind -Wl,--wrap=listen -Wl,--wrap=getrlimit \
	-Wl,--wrap=setrlimit -Wl,--wrap=shm_open -Wl,--wrap=posix_fallocate \
	-Wl,--wrap=mmap -Wl,--wrap=flock -Wl,--wrap=fstat \
	-Wl,--wrap=ftruncate -Wl,--wrap=opendir -Wl,--wrap=open \
	-Wl,--wrap=fork -Wl,--wrap=pthread_create

check_PROGRAMS += t/reporter-fault
EXTRA_DIST += t/chaos.py
t_reporter_fault_SOURCES = src/main.c t/fault_calls.c
t_reporter_fault_CPPFLAGS = $(AM_CPPFLAGS) -DREPORTER_FAULTS
t_reporter_fault_CFLAGS = $(fault_cflags) -fno-builtin -Wno-undef
t_reporter_fault_LDFLAGS = $(AM_LDFLAGS) $(fault_wrap)
t_reporter_fault_LDADD = src/libreporterfault.a sql/libsqlfault.a \
	shm/libshmfault.a $(system_libs)

# Any number of seeds: make chaos SEEDS=1000 [FIRST=1]
SEEDS = 100
FIRST = 1
chaos: all t/reporter-fault$(EXEEXT)
	$(AM_TESTS_ENVIRONMENT) $(PYTHON3) -B $(srcdir)/t/chaos.py \
		$(FIRST) $(SEEDS)
.PHONY: chaos
