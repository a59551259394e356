# What an installation needs.
EXTRA_DIST += etc/reporter.conf

confdir = $(sysconfdir)/reporter

# The sample, with this installation's own state folder.
conf_sample = $(SED) 's|/var/lib/reporter|$(localstatedir)/lib/reporter|' \
	$(srcdir)/etc/reporter.conf

# A file that is there already is the administrator's: it stays.  A new one is
# readable for its owner and group only, because a password may come into it.
install-data-hook: install-conf
install-conf:
	$(MKDIR_P) '$(DESTDIR)$(confdir)'
	@f='$(DESTDIR)$(confdir)/reporter.conf'; \
	if test -e "$$f" || test -h "$$f"; then \
		echo "$$f is there already and stays as it is"; \
	else \
		echo "installing $$f"; \
		(umask 027 && $(conf_sample) >"$$f.new") && \
		chmod 640 "$$f.new" && mv "$$f.new" "$$f"; \
	fi

# Removed only if nobody has changed it.
uninstall-hook: uninstall-conf
uninstall-conf:
	@f='$(DESTDIR)$(confdir)/reporter.conf'; \
	if test -f "$$f" && $(conf_sample) | cmp -s - "$$f"; then \
		echo "removing $$f"; rm -f "$$f"; \
	elif test -f "$$f"; then \
		echo "$$f was changed and stays"; \
	fi
	-@test ! -d '$(DESTDIR)$(confdir)' || \
		rmdir '$(DESTDIR)$(confdir)' 2>/dev/null || :

.PHONY: install-conf uninstall-conf
