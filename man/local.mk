# The manual.
dist_man_MANS += man/reporter.conf.5 man/reporter-send.1 man/reporterctl.8
