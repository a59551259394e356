# make analyse: what gcc -fanalyzer, scan-build and cppcheck find by reading
# the whole tree.  Takes some minutes.
EXTRA_DIST += t/analyse.sh
analyse:
	@MAKE='$(MAKE)' $(SHELL) $(srcdir)/t/analyse.sh
clean-local: clean-analyse
clean-analyse:
	-rm -rf analyse
.PHONY: analyse clean-analyse
