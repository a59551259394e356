# Includes lead one way, as HACKING.md says.
TESTS += t/layers.py
EXTRA_DIST += t/layers.py
