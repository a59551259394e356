# The schemas of the ELB and Lars dialects.  The decoder does without; what
# builds frames, and the tests that compare with protobuf-c, use the generated
# code.  It is in libreporter.a; its headers need -Isrc.
proto_sources = src/elb.pb-c.c src/elb.pb-c.h src/lars.pb-c.c src/lars.pb-c.h
EXTRA_DIST += src/elb.proto src/lars.proto
BUILT_SOURCES += $(proto_sources)
CLEANFILES += $(proto_sources)

src/elb.pb-c.c: src/elb.proto
	$(AM_V_GEN)$(MKDIR_P) src && $(PROTOC_C) \
	    --proto_path=$(srcdir)/src --c_out=src $(srcdir)/src/elb.proto

src/lars.pb-c.c: src/lars.proto
	$(AM_V_GEN)$(MKDIR_P) src && $(PROTOC_C) \
	    --proto_path=$(srcdir)/src --c_out=src $(srcdir)/src/lars.proto

# The compiler makes both files at once; make one again if it was deleted.
src/elb.pb-c.h: src/elb.pb-c.c
	@test -f $@ || { rm -f src/elb.pb-c.c; \
	    $(MAKE) $(AM_MAKEFLAGS) src/elb.pb-c.c; }

src/lars.pb-c.h: src/lars.pb-c.c
	@test -f $@ || { rm -f src/lars.pb-c.c; \
	    $(MAKE) $(AM_MAKEFLAGS) src/lars.pb-c.c; }
