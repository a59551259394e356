# The packages of Debian, and the spec file of the RHEL family.
EXTRA_DIST += debian/changelog debian/control debian/copyright debian/rules \
	debian/source/format \
	debian/libreporter0.install debian/libreporter-tls0.install \
	debian/libreporter-dev.install \
	debian/reporter.README.Debian debian/reporter.docs \
	debian/reporter.install debian/reporter.lintian-overrides \
	debian/reporter.postinst debian/reporter.postrm debian/reporter.prerm \
	debian/reporter-bench.install debian/reporter-bench.lintian-overrides \
	debian/reporter-web.install debian/reporter-web.lintian-overrides \
	debian/reporter-web.postinst debian/reporter-web.prerm \
	debian/tests/control debian/tests/service \
	etc/reporter.spec t/packages.sh

packages = abs_top_srcdir='$(abs_top_srcdir)' VERSION='$(VERSION)' \
	$(SHELL) $(srcdir)/t/packages.sh

# Debian packages, in packages/.
deb: dist
	@$(packages) build
# They are alike when built twice, lintian and rpmlint accept them, and a booted
# Debian installs, runs, upgrades and purges them; as root, some minutes.
check-packages: dist
	@$(packages) check || test $$? = 77
.PHONY: deb check-packages
