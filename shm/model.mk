# make model: Spin searches the protocol of shared memory for errors.  The
# model must have none in each of three sizes, and each variant with one step
# broken on purpose must have one, or the model would show nothing.
EXTRA_DIST += shm/protocol.pml shm/model.sh

.PHONY: model
model:
	@CC='$(CC)' $(SHELL) $(srcdir)/shm/model.sh $(srcdir)/shm/protocol.pml
