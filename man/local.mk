# The manual.
dist_man_MANS += man/reporter.8 man/reporter-protocol.7 man/reporter.conf.5 \
	man/reporter-bench.1 man/reporter-send.1 man/reporterctl.8
if WITH_MICROHTTPD
dist_man_MANS += man/reporter-web.8
endif
EXTRA_DIST += man/reporter-web.8
