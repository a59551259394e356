# Files to install.  Those named *.in get the directories of this build.
etc_made = etc/reporter.default etc/reporter.init etc/reporter.logrotate \
	etc/reporter.service etc/reporter.sysusers etc/reporter.tmpfiles \
	etc/reporter-web.service
EXTRA_DIST += etc/conffile.sh etc/reporter.conf etc/reporter.socket \
	etc/reporter.default.in etc/reporter.init.in \
	etc/reporter.logrotate.in etc/reporter.service.in \
	etc/reporter.sysusers.in etc/reporter.tmpfiles.in \
	etc/reporter-web.service.in
CLEANFILES += $(etc_made) etc/sample.conf
all-local: $(etc_made) etc/sample.conf

$(etc_made): Makefile
	$(AM_V_GEN)$(MKDIR_P) etc && $(SED) \
		-e 's|@sbindir[@]|$(sbindir)|g' \
		-e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		-e 's|@localstatedir[@]|$(localstatedir)|g' \
		-e 's|@runstatedir[@]|$(runstatedir)|g' \
		'$(srcdir)/$@.in' >$@.new && mv $@.new $@
etc/reporter.default: $(srcdir)/etc/reporter.default.in
etc/reporter.init: $(srcdir)/etc/reporter.init.in
etc/reporter.logrotate: $(srcdir)/etc/reporter.logrotate.in
etc/reporter.service: $(srcdir)/etc/reporter.service.in
etc/reporter.sysusers: $(srcdir)/etc/reporter.sysusers.in
etc/reporter.tmpfiles: $(srcdir)/etc/reporter.tmpfiles.in
etc/reporter-web.service: $(srcdir)/etc/reporter-web.service.in

# The sample, with the state directory of this build.
etc/sample.conf: Makefile $(srcdir)/etc/reporter.conf
	$(AM_V_GEN)$(MKDIR_P) etc && $(SED) \
		's|/var/lib/reporter|$(localstatedir)/lib/reporter|' \
		'$(srcdir)/etc/reporter.conf' >$@.new && mv $@.new $@

# Configuration files, see conffile.sh.
confdir = $(sysconfdir)/reporter
defaultdir = $(sysconfdir)/default
keptdir = $(pkgdatadir)/etc
conffile = $(SHELL) '$(srcdir)/etc/conffile.sh'

# reporter.conf is not readable for others: it may contain a password.
install-data-hook: install-etc
install-etc: $(etc_made) etc/sample.conf
	@$(conffile) install 640 etc/sample.conf \
		'$(DESTDIR)$(keptdir)/reporter.conf' \
		'$(DESTDIR)$(confdir)/reporter.conf'
	@$(conffile) install 644 etc/reporter.default \
		'$(DESTDIR)$(keptdir)/reporter.default' \
		'$(DESTDIR)$(defaultdir)/reporter'
if LOGROTATEDIR
	@$(conffile) install 644 etc/reporter.logrotate \
		'$(DESTDIR)$(keptdir)/reporter.logrotate' \
		'$(DESTDIR)$(logrotatedir)/reporter'
endif
if INITDDIR
	@$(conffile) install 755 etc/reporter.init \
		'$(DESTDIR)$(keptdir)/reporter.init' \
		'$(DESTDIR)$(initddir)/reporter'
endif
if SYSTEMDSYSTEMUNITDIR
	$(MKDIR_P) '$(DESTDIR)$(systemdsystemunitdir)'
	$(INSTALL_DATA) etc/reporter.service $(srcdir)/etc/reporter.socket \
		'$(DESTDIR)$(systemdsystemunitdir)'
	@if test -f src/reporter-web$(EXEEXT); then \
		echo "installing reporter-web.service"; \
		$(INSTALL_DATA) etc/reporter-web.service \
			'$(DESTDIR)$(systemdsystemunitdir)'; \
	fi
endif
if SYSUSERSDIR
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)'
	$(INSTALL_DATA) etc/reporter.sysusers \
		'$(DESTDIR)$(sysusersdir)/reporter.conf'
endif
if TMPFILESDIR
	$(MKDIR_P) '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL_DATA) etc/reporter.tmpfiles \
		'$(DESTDIR)$(tmpfilesdir)/reporter.conf'
endif

uninstall-hook: uninstall-etc
uninstall-etc:
	@$(conffile) remove '$(DESTDIR)$(keptdir)/reporter.conf' \
		'$(DESTDIR)$(confdir)/reporter.conf'
	@$(conffile) remove '$(DESTDIR)$(keptdir)/reporter.default' \
		'$(DESTDIR)$(defaultdir)/reporter'
if LOGROTATEDIR
	@$(conffile) remove '$(DESTDIR)$(keptdir)/reporter.logrotate' \
		'$(DESTDIR)$(logrotatedir)/reporter'
endif
if INITDDIR
	@$(conffile) remove '$(DESTDIR)$(keptdir)/reporter.init' \
		'$(DESTDIR)$(initddir)/reporter'
endif
if SYSTEMDSYSTEMUNITDIR
	rm -f '$(DESTDIR)$(systemdsystemunitdir)/reporter.service' \
		'$(DESTDIR)$(systemdsystemunitdir)/reporter.socket' \
		'$(DESTDIR)$(systemdsystemunitdir)/reporter-web.service'
endif
if SYSUSERSDIR
	rm -f '$(DESTDIR)$(sysusersdir)/reporter.conf'
endif
if TMPFILESDIR
	rm -f '$(DESTDIR)$(tmpfilesdir)/reporter.conf'
endif
	-@for directory in '$(confdir)' '$(keptdir)' '$(pkgdatadir)'; do \
		test ! -d "$(DESTDIR)$$directory" || \
			rmdir "$(DESTDIR)$$directory" 2>/dev/null || :; \
	done

.PHONY: install-etc uninstall-etc
