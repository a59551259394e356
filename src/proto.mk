# The schemas of the ELB and Lars dialects.  The decoder does without; what
# builds frames, and the tests that compare with protobuf-c, use the generated
# code.  It is in libreporter.a.
proto_sources = src/intake/elb.pb-c.c src/intake/elb.pb-c.h \
	src/intake/lars.pb-c.c src/intake/lars.pb-c.h
EXTRA_DIST += src/intake/elb.proto src/intake/lars.proto
BUILT_SOURCES += $(proto_sources)
CLEANFILES += $(proto_sources)

src/intake/elb.pb-c.c: src/intake/elb.proto
	$(AM_V_GEN)$(MKDIR_P) src/intake && $(PROTOC_C) \
	    --proto_path=$(srcdir)/src/intake --c_out=src/intake \
	    $(srcdir)/src/intake/elb.proto

src/intake/lars.pb-c.c: src/intake/lars.proto
	$(AM_V_GEN)$(MKDIR_P) src/intake && $(PROTOC_C) \
	    --proto_path=$(srcdir)/src/intake --c_out=src/intake \
	    $(srcdir)/src/intake/lars.proto

# The compiler makes both files at once; make one again if it was deleted.
src/intake/elb.pb-c.h: src/intake/elb.pb-c.c
	@test -f $@ || { rm -f src/intake/elb.pb-c.c; \
	    $(MAKE) $(AM_MAKEFLAGS) src/intake/elb.pb-c.c; }

src/intake/lars.pb-c.h: src/intake/lars.pb-c.c
	@test -f $@ || { rm -f src/intake/lars.pb-c.c; \
	    $(MAKE) $(AM_MAKEFLAGS) src/intake/lars.pb-c.c; }
