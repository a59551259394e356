# The hardening of what is installed: t/hardening.py looks at an installation
# of this build.  It is told what configure chose, to know what to expect.
TESTS += t/hardening.py
EXTRA_DIST += t/hardening.py
AM_TESTS_ENVIRONMENT += \
	HARDENING='$(HARDEN_CFLAGS) $(HARDEN_LDFLAGS)'; export HARDENING; \
	SANITIZERS='$(SANITIZE_CFLAGS)'; export SANITIZERS; \
	CC='$(CC)'; export CC; CFLAGS='$(CFLAGS)'; export CFLAGS;
