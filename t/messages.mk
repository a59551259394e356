# What is logged stands in the manual: t/messages.py compares the sources with
# the headings under DIAGNOSTICS.
TESTS += t/messages.py
EXTRA_DIST += t/messages.py
