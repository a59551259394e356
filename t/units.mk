# Check suites.  Each is t/unit_MODULE.c.
