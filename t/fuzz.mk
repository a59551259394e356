# Fuzz targets.  Here they are linked with a plain main() that reads files, and
# t/fuzz_corpus.py runs all that is kept in t/corpus through them; t/fuzz.sh
# builds them once more for libFuzzer or AFL++, which bring their own.
fuzz_targets = t/fuzz_config t/fuzz_frame t/fuzz_native t/fuzz_proxy \
	t/fuzz_replay t/fuzz_segment t/fuzz_web
check_PROGRAMS += $(fuzz_targets)
TESTS += t/fuzz_corpus.py
EXTRA_DIST += t/fuzz.sh t/fuzz_corpus.py t/fuzz_seeds.py t/corpus

check_LIBRARIES += t/libfuzzmain.a
t_libfuzzmain_a_SOURCES = t/fuzz_main.c t/fuzz.h
FUZZ_MAIN = t/libfuzzmain.a
FUZZ_ENGINE =

fuzz_stream_sources = t/fuzz.h t/fuzz_stream.c t/fuzz_stream.h \
	t/difference.c t/difference.h
fuzz_ldadd = $(FUZZ_MAIN) $(our_libs) $(FUZZ_ENGINE)
t_fuzz_config_LDADD = $(fuzz_ldadd)
t_fuzz_frame_LDADD = $(fuzz_ldadd)
t_fuzz_native_LDADD = $(fuzz_ldadd)
t_fuzz_proxy_LDADD = $(fuzz_ldadd)
t_fuzz_replay_LDADD = $(fuzz_ldadd)
t_fuzz_segment_LDADD = $(fuzz_ldadd)
t_fuzz_segment_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=nanosleep
t_fuzz_web_LDADD = $(fuzz_ldadd)
t_fuzz_frame_SOURCES = t/fuzz_frame.c t/frame_oracle.c t/frame_oracle.h \
	$(fuzz_stream_sources)
t_fuzz_native_SOURCES = t/fuzz_native.c t/native_oracle.c t/native_oracle.h \
	$(fuzz_stream_sources)
# The pages know nothing of HTTP, so this needs no libmicrohttpd.
t_fuzz_web_SOURCES = t/fuzz_web.c t/fuzz.h src/web/page.c src/web/page.h

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
