# make model: have Spin look for errors in the protocol of shared memory.  The
# right model must have none in each of three sizes; each variant with one
# wrong step must have one, or the model shows nothing.
EXTRA_DIST += shm/protocol.pml shm/model.sh

.PHONY: model
model:
	@CC='$(CC)' $(SHELL) $(srcdir)/shm/model.sh $(srcdir)/shm/protocol.pml
