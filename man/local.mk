# The manual, and its Chinese translation.  The pages of the translation are in the
# archive of a release; in a clone po4a makes them, and without it they are left
# out.
dist_man_MANS = man/reporter.8 man/reporter-protocol.7 man/reporter.conf.5 \
	man/reporter-bench.1 man/reporter-migrate.8 man/reporter-send.1 \
	man/reporterctl.8
EXTRA_DIST += man/reporter-web.8 man/po/po4a.cfg man/po/zh_CN.po man/po/join.pl

zh_pages = man/zh_CN/reporter.8 man/zh_CN/reporterctl.8 \
	man/zh_CN/reporter.conf.5
EXTRA_DIST += $(zh_pages)
CLEANFILES += $(zh_pages)
if TRANSLATIONS
zhman8dir = $(mandir)/zh_CN/man8
zhman8_DATA = man/zh_CN/reporter.8 man/zh_CN/reporterctl.8
zhman5dir = $(mandir)/zh_CN/man5
zhman5_DATA = man/zh_CN/reporter.conf.5
endif

# po4a makes a page even if some of its paragraphs are still in English.
$(zh_pages): man/reporter.8 man/reporterctl.8 man/reporter.conf.5 \
		man/po/po4a.cfg man/po/zh_CN.po man/po/join.pl
	$(AM_V_GEN)$(MKDIR_P) man/po $(@D) && \
		$(PO4A) --quiet --srcdir '$(srcdir)' --destdir . --no-update \
		--keep 0 --translate-only $@ $(srcdir)/man/po/po4a.cfg && \
		$(PERL) -CSD -p0 $(srcdir)/man/po/join.pl <$@ >$@.new && \
		mv $@.new $@

# Update man/po/zh_CN.po: new and changed paragraphs are printed, and must be
# translated there.
translations:
	$(python) $(srcdir)/t/translations.py --update
.PHONY: translations
