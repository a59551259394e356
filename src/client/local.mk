# SPDX-License-Identifier: MIT
#
# The library of agents, libreporter: of the C library alone.  Programs of ours
# and tests link its objects from an archive.
noinst_LIBRARIES += src/client/libclient.a
src_client_libclient_a_SOURCES = src/client/client.c src/client/client.h \
	src/client/keys.c src/client/keys.h src/client/channel.c \
	src/client/channel.h src/client/pack.c src/client/pack.h \
	src/client/pass.c src/client/transport.h
src_client_libclient_a_CFLAGS = $(AM_CFLAGS) -fPIC -fvisibility=hidden

include_HEADERS = src/client/reporter.h
EXTRA_DIST += src/client/reporter.map src/client/reporter.pc.in \
	src/client/reporter-tls.pc.in src/client/reporter_tls.h src/client/tls.c src/client/libreporter.abi \
	src/client/libreporter-tls.abi
clientdir = $(libdir)
client_DATA = src/client/libreporter.so.0
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = src/client/reporter.pc
if HAVE_OPENSSL
noinst_LIBRARIES += src/client/libtls.a
src_client_libtls_a_SOURCES = src/client/tls.c src/lib/pem.c src/lib/pem.h
src_client_libtls_a_CFLAGS = $(src_client_libclient_a_CFLAGS)
include_HEADERS += src/client/reporter_tls.h
client_DATA += src/client/libreporter-tls.so.0
pkgconfig_DATA += src/client/reporter-tls.pc
src/client/libreporter-tls.so.0: src/client/libtls.a
endif
CLEANFILES += $(client_DATA) $(client_DATA:=.abi) $(pkgconfig_DATA)

# It stays loaded, since its thread may be waiting for a name to be resolved.
src/client/libreporter.so.0: src/client/libclient.a
$(client_DATA): $(srcdir)/src/client/reporter.map
	$(AM_V_CCLD)$(CC) $(AM_CFLAGS) $(CFLAGS) -shared -Wl,-soname,$(@F) \
		-Wl,--version-script=$(srcdir)/src/client/reporter.map \
		$(filter-out -pie,$(AM_LDFLAGS)) -Wl,-z,nodelete $(LDFLAGS) \
		-Wl,--whole-archive $(filter %.a,$^) -Wl,--no-whole-archive \
		$(if $(findstring tls,$@),$(OPENSSL_LIBS)) -o $@

$(pkgconfig_DATA): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) \
		-e 's|@includedir[@]|$(includedir)|' \
		-e 's|@libdir[@]|$(libdir)|' -e 's|@version[@]|$(VERSION)|' \
		$< >$@.new && mv $@.new $@

# The linker's names of the libraries.
install-client: $(client_DATA)
	@for name in $(^F); do \
		ln -sf $$name '$(DESTDIR)$(libdir)'/$${name%.0}; done
uninstall-client:
	@rm -f $(patsubst %.0,'$(DESTDIR)$(libdir)'/%,$(notdir $(client_DATA)))
.PHONY: install-client uninstall-client
