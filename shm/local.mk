# The shared memory library: libc only.
noinst_LIBRARIES += shm/libshm.a
shm_libshm_a_SOURCES = shm/agents.c shm/agents.h shm/counters.c shm/counters.h shm/faultpoint.h \
	shm/history.c shm/history.h shm/huge.c shm/huge.h shm/keep_errno.h shm/record.h \
	shm/ring.c shm/ring.h shm/segment.c shm/segment.h \
	shm/segment_name.c shm/segment_renew.c \
	shm/segment_secret.c shm/segment_secret.h shm/table.c shm/table.h

# make model: Spin searches the protocol of shared memory for errors.  The
# model must have none in each of three sizes, and each variant with one step
# broken on purpose must have one, or the model would show nothing.
EXTRA_DIST += shm/protocol.pml shm/model.sh
model:
	@CC='$(CC)' $(SHELL) $(srcdir)/shm/model.sh $(srcdir)/shm/protocol.pml
.PHONY: model
