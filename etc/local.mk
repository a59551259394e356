# What an installation needs.  Directories are put into the files named *.in.
systemdsystemunit_DATA = etc/reporter.service etc/reporter.socket \
	etc/reporter@.service etc/reporter@.socket
if WITH_MICROHTTPD
systemdsystemunit_DATA += etc/reporter-web.service etc/reporter-web@.service
endif
examplesdir = $(docdir)/examples
dist_examples_DATA = etc/examples/haproxy-galera.cfg \
	etc/examples/haproxy-reporters.cfg etc/examples/haproxy-web.cfg \
	etc/examples/nginx-web.conf etc/examples/Containerfile \
	etc/examples/container.conf etc/examples/compose.yml \
	etc/examples/kubernetes.yml
# Agents in the standard library of each language: not executable, so that a
# package does not depend on the languages.
dist_examples_DATA += src/client/examples/Reporter.java \
	src/client/examples/reporter.go src/client/examples/reporter.js \
	src/client/examples/reporter.php src/client/examples/reporter.py \
	src/client/examples/reporter.sh
dist_examples_DATA += etc/prometheus/reporter.rules.yml etc/grafana/reporter.json
sysusers_DATA = etc/sysusers.d/reporter.conf
tmpfiles_DATA = etc/tmpfiles.d/reporter.conf

sbin_SCRIPTS = etc/reporter-migrate
completionsdir = $(datadir)/bash-completion/completions
dist_completions_DATA = etc/completion/reporter

etc_made = etc/reporter.default etc/reporter.init etc/reporter.logrotate \
	etc/reporter.service etc/reporter.socket etc/reporter-web.service \
	$(sysusers_DATA) $(tmpfiles_DATA)
templates = etc/reporter@.service etc/reporter@.socket etc/reporter-web@.service
EXTRA_DIST += etc/conffile.sh etc/reporter.conf $(etc_made:=.in) \
	etc/reporter-migrate.in
CLEANFILES += $(etc_made) $(sbin_SCRIPTS) $(templates) etc/sample.conf
all-local: $(etc_made) $(templates) etc/sample.conf

etc_fill = $(MKDIR_P) $(@D) && $(SED) \
	-e 's|@sbindir[@]|$(sbindir)|g' \
	-e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	-e 's|@localstatedir[@]|$(localstatedir)|g' \
	-e 's|@runstatedir[@]|$(runstatedir)|g'

$(etc_made): %: %.in Makefile
	$(AM_V_GEN)$(etc_fill) -e 's|@instance[@]|default|g' \
		-e 's|@conf[@]|reporter|g' -e 's|@suffix[@]||g' -e 's|@at[@]||g' \
		-e 's|@of[@]||g' -e 's|@listen[@]|ListenStream=0.0.0.0:12316|' \
		$< >$@.new && mv $@.new $@

etc/reporter-migrate: etc/reporter-migrate.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) 's|@version[@]|$(VERSION)|' \
		$(srcdir)/$@.in >$@.new && chmod 755 $@.new && mv $@.new $@

# The same units for an instance of another name.  The address of its socket unit
# is in a drop-in.
$(templates): $(etc_made:=.in) Makefile
	$(AM_V_GEN)$(etc_fill) -e 's|@instance[@]|%i|g' \
		-e 's|@conf[@]|%i|g' -e 's|@suffix[@]|-%i|g' -e 's|@at[@]|@%i|g' \
		-e 's|@of[@]|, instance %i|g' -e '/@listen[@]/d' \
		$(srcdir)/$(subst @.,.,$@).in >$@.new && mv $@.new $@

# The sample, with this installation's own state directories and user.
etc/sample.conf: $(srcdir)/etc/reporter.conf Makefile
	$(AM_V_GEN)$(MKDIR_P) etc && $(SED) \
		-e '/^\[reporter\]/,/^#group/s|^#user =$$|user = reporter|' \
		-e 's|/var/lib/reporter|$(localstatedir)/lib/reporter|' \
		-e 's|/run/reporter|$(runstatedir)/reporter|' \
		$< >$@.new && mv $@.new $@

# Configuration files, see conffile.sh.  reporter.conf may contain a password:
# only its owner and group may read it.
keptdir = $(pkgdatadir)/etc
conffiles = \
	640:etc/sample.conf:reporter.conf:$(sysconfdir)/reporter/reporter.conf \
	644:etc/reporter.default:reporter.default:$(sysconfdir)/default/reporter
if LOGROTATEDIR
conffiles += \
	644:etc/reporter.logrotate:reporter.logrotate:$(logrotatedir)/reporter
endif
if INITDDIR
conffiles += 755:etc/reporter.init:reporter.init:$(initddir)/reporter
endif
conffile = $(SHELL) '$(srcdir)/etc/conffile.sh'

# The manual names the directories of this installation.
manual_fill = $(SED) -i \
	-e 's|/etc/reporter|$(sysconfdir)/reporter|g' \
	-e 's|/etc/default/reporter|$(sysconfdir)/default/reporter|g' \
	-e 's|/var/lib/reporter|$(localstatedir)/lib/reporter|g' \
	-e 's|/var/log/reporter|$(localstatedir)/log/reporter|g' \
	-e 's|/run/reporter|$(runstatedir)/reporter|g'
completed = reporterctl reporter-migrate reporter-send reporter-web
# sbin is not in the PATH of the group that may read the status.
install-exec-hook:
	@test '$(bindir)' = '$(sbindir)' || ln -srf \
		'$(DESTDIR)$(sbindir)/reporterctl' '$(DESTDIR)$(bindir)'
install-data-hook: all-local
	@$(conffile) install '$(DESTDIR)' '$(keptdir)' $(conffiles)
	@find '$(DESTDIR)$(mandir)' -path '*/man[1578]/reporter*' \
		-exec $(manual_fill) {} +
	@for name in $(completed); do \
		ln -sf reporter '$(DESTDIR)$(completionsdir)'/$$name; done
# Also links of init systems, where a service was not disabled before.
uninstall-hook:
	@$(conffile) remove '$(DESTDIR)' '$(keptdir)' $(conffiles)
	@test '$(bindir)' = '$(sbindir)' || \
		rm -f '$(DESTDIR)$(bindir)/reporterctl'
	@for name in $(completed); do \
		rm -f '$(DESTDIR)$(completionsdir)'/$$name; done
	@for link in '$(DESTDIR)'/etc/systemd/system/*.wants/reporter[-.@]* \
		'$(DESTDIR)'/etc/rc?.d/[KS]??reporter; do \
		case `readlink "$$link"` in \
		'$(systemdsystemunitdir)'/* | ../init.d/reporter) \
			test -e "$$link" || rm -f "$$link";; esac; done
	-@rmdir '$(DESTDIR)$(sysconfdir)/reporter' '$(DESTDIR)$(keptdir)' \
		'$(DESTDIR)$(pkgdatadir)' '$(DESTDIR)$(examplesdir)' \
		'$(DESTDIR)$(docdir)' '$(DESTDIR)$(pkglibexecdir)' \
		2>/dev/null || :
