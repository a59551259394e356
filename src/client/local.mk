# SPDX-License-Identifier: MIT
#
# The library of agents, libreporter: of the C library alone.  Programs of ours
# and tests link its objects from an archive.
noinst_LIBRARIES += src/client/libclient.a
src_client_libclient_a_SOURCES = src/client/client.c src/client/client.h \
	src/client/keys.c src/client/keys.h src/client/link.c \
	src/client/link.h src/client/pack.c src/client/pack.h \
	src/client/pass.c src/client/transport.h
src_client_libclient_a_CFLAGS = $(AM_CFLAGS) -fPIC -fvisibility=hidden

include_HEADERS = src/client/reporter.h
EXTRA_DIST += src/client/reporter.map src/client/reporter.pc.in
client_so = libreporter.so.0
clientdir = $(libdir)
client_DATA = src/client/$(client_so)
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = src/client/reporter.pc
CLEANFILES += $(client_DATA) $(pkgconfig_DATA)

# It stays loaded, since its thread may be waiting for a name to be resolved.
src/client/$(client_so): src/client/libclient.a \
		$(srcdir)/src/client/reporter.map
	$(AM_V_CCLD)$(CC) $(AM_CFLAGS) $(CFLAGS) -shared -Wl,-soname,$(@F) \
		-Wl,--version-script=$(srcdir)/src/client/reporter.map \
		$(filter-out -pie,$(AM_LDFLAGS)) -Wl,-z,nodelete $(LDFLAGS) \
		-Wl,--whole-archive src/client/libclient.a \
		-Wl,--no-whole-archive -o $@

src/client/reporter.pc: src/client/reporter.pc.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) \
		-e 's|@includedir[@]|$(includedir)|' \
		-e 's|@libdir[@]|$(libdir)|' -e 's|@version[@]|$(VERSION)|' \
		$(srcdir)/src/client/reporter.pc.in >$@.new && mv $@.new $@
