# The schemas of the ELB and Lars dialects.  The decoder does not use the
# generated code; reporter-send and the tests, which compare with it, do.
proto_sources = src/intake/elb.pb-c.c src/intake/elb.pb-c.h \
	src/intake/lars.pb-c.c src/intake/lars.pb-c.h
EXTRA_DIST += src/intake/elb.proto src/intake/lars.proto
BUILT_SOURCES += $(proto_sources)
CLEANFILES += $(proto_sources)

proto_make = $(AM_V_GEN)$(MKDIR_P) src/intake && $(PROTOC_C) \
	--proto_path=$(srcdir)/src/intake --c_out=src/intake
src/intake/elb.pb-c.c: src/intake/elb.proto
	$(proto_make) $(srcdir)/src/intake/elb.proto
src/intake/lars.pb-c.c: src/intake/lars.proto
	$(proto_make) $(srcdir)/src/intake/lars.proto

# protoc-c makes both files at once; make them again if the header was deleted.
src/intake/elb.pb-c.h: src/intake/elb.pb-c.c
src/intake/lars.pb-c.h: src/intake/lars.pb-c.c
src/intake/elb.pb-c.h src/intake/lars.pb-c.h:
	@test -f $@ || { rm -f $(@:.h=.c); \
		$(MAKE) $(AM_MAKEFLAGS) $(@:.h=.c); }
