# The page: its modules in Node, and all of it in Chromium, against a stand-in for
# reporter-web.
TESTS += t/page.py
EXTRA_DIST += t/page.py t/browser.py t/fakeweb.py t/shots.py t/page_format.mjs \
	t/page_state.mjs

# 3,000 polls, for leaks, and a picture of each state into shots/.
check-browser: all
	$(python) $(srcdir)/t/scenario_browser.py --long || test $$? = 77
shots:
	$(python) $(srcdir)/t/shots.py shots
.PHONY: check-browser shots
