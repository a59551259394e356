# The shared memory library: libc only.
noinst_LIBRARIES += shm/libshm.a
shm_libshm_a_SOURCES = \
	shm/counters.c shm/counters.h \
	shm/faultpoint.h \
	shm/history.c shm/history.h shm/keep_errno.h \
	shm/record.h \
	shm/ring.c shm/ring.h \
	shm/segment.c shm/segment.h shm/segment_name.c \
	shm/table.c shm/table.h
include shm/model.mk
