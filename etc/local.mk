# What an installation needs.  Directories are put into the files named *.in.
etc_in = etc/reporter.default.in etc/reporter.init.in \
	etc/reporter.logrotate.in etc/reporter.service.in \
	etc/reporter.sysusers.in etc/reporter.tmpfiles.in \
	etc/reporter-web.service.in
etc_made = $(etc_in:.in=)
EXTRA_DIST += etc/conffile.sh etc/reporter.conf etc/reporter.socket $(etc_in)
CLEANFILES += $(etc_made) etc/sample.conf
all-local: $(etc_made) etc/sample.conf

$(etc_made): Makefile $(etc_in)
	$(AM_V_GEN)$(MKDIR_P) etc && $(SED) \
		-e 's|@sbindir[@]|$(sbindir)|g' \
		-e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		-e 's|@localstatedir[@]|$(localstatedir)|g' \
		-e 's|@runstatedir[@]|$(runstatedir)|g' \
		'$(srcdir)/$@.in' >$@.new && mv $@.new $@

# The sample, with this installation's own state directory.
etc/sample.conf: Makefile $(srcdir)/etc/reporter.conf
	$(AM_V_GEN)$(MKDIR_P) etc && $(SED) \
		's|/var/lib/reporter|$(localstatedir)/lib/reporter|' \
		'$(srcdir)/etc/reporter.conf' >$@.new && mv $@.new $@

# Configuration files, see conffile.sh.
confdir = $(sysconfdir)/reporter
defaultdir = $(sysconfdir)/default
keptdir = $(pkgdatadir)/etc
conffile = $(SHELL) '$(srcdir)/etc/conffile.sh'

# reporter.conf may hold a password: it is for its owner and group only.
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
	-@for dir in '$(confdir)' '$(keptdir)' '$(pkgdatadir)'; do \
		test ! -d "$(DESTDIR)$$dir" || \
			rmdir "$(DESTDIR)$$dir" 2>/dev/null || :; \
	done

.PHONY: install-etc uninstall-etc
