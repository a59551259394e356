# Fuzz targets.  Here they are linked with a plain main() that reads files, and
# t/fuzz_corpus.py runs all that is kept in t/corpus through them; t/fuzz.sh
# builds them once more for libFuzzer or AFL++, which bring their own.
fuzz_targets = t/fuzz_ark t/fuzz_client t/fuzz_config t/fuzz_filter t/fuzz_frame \
	t/fuzz_names t/fuzz_native t/fuzz_proxy t/fuzz_replay t/fuzz_segment t/fuzz_web
check_PROGRAMS += $(fuzz_targets)
TESTS += t/fuzz_corpus.py
EXTRA_DIST += t/fuzz.sh t/fuzz_corpus.py t/fuzz_seeds.py t/corpus

check_LIBRARIES += t/libfuzzmain.a
t_libfuzzmain_a_SOURCES = t/fuzz_main.c
FUZZ_MAIN = t/libfuzzmain.a
FUZZ_ENGINE =

# Here the server, and how late it is, are the target's.
t_fuzz_client_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=socket -Wl,--wrap=connect \
	-Wl,--wrap=send -Wl,--wrap=clock_gettime
t_fuzz_segment_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=nanosleep
# The pages know nothing of HTTP, so this needs no libmicrohttpd.
t_fuzz_web_SOURCES = t/fuzz_web.c $(web_sources)

# Fuzz each target for so many seconds: make fuzz SECONDS=300.  Fails when
# something is found, and says where the input is.  fuzz-merge does so as well,
# and then adds to t/corpus the inputs that reach new code.  fuzz-afl is the
# same as fuzz with AFL++.  FUZZ=NAME: one target alone, as in FUZZ=native.
SECONDS = 10
FUZZ =
fuzz fuzz-merge fuzz-afl:
	@MAKE='$(MAKE)' $(SHELL) $(srcdir)/t/fuzz.sh $@ $(SECONDS) $(FUZZ)
fuzz-programs: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) $(fuzz_targets)
fuzz-list:
	@echo $(fuzz_targets)
.PHONY: fuzz fuzz-merge fuzz-afl fuzz-programs fuzz-list
