#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Which lines of the product the tests run.  Called by make coverage, in the
# directory of the build; works in its subdirectory coverage:
#
#	coverage.sh [TEST...]       these tests (t/unit_ring ...); none: all
#
# Prints the share of each directory and of each file, the least covered first;
# coverage/lines/ has the annotated sources.  With lcov there is also
# coverage/html.

set -eu
source=$(cd "${abs_top_srcdir:?}" && pwd)

if ! command -v gcov >/dev/null; then
	echo "skipped: gcov was not found: install Debian's package gcc"
	exit 77
fi
mkdir -p coverage/lines
cd coverage
if [ ! -f config.status ]; then
	"$source/configure" CC=gcc --disable-hardening \
		CFLAGS='-O0 -g --coverage' >configure.log 2>&1 || {
		tail -n 20 configure.log
		exit 1
	}
fi
find . -name '*.gcda' -delete
${MAKE:-make} -j"$(nproc)" >make.log 2>&1 || {
	tail -n 20 make.log
	exit 1
}
# Workers that change their user could not write what they counted.
umask 0
status=0
if [ $# -gt 0 ]; then
	${MAKE:-make} check TESTS="$*" >check.log 2>&1 || status=$?
else
	${MAKE:-make} check >check.log 2>&1 || status=$?
fi
grep -E '^(FAIL|ERROR): ' check.log || :

# What tests are made of, and the daemon with its seams in, do not count.
find shm sql src -name '*.gcda' ! -name '*fault*' -print >found
if [ ! -s found ]; then
	echo "no test has run: see coverage/check.log"
	exit 1
fi
(cd lines && sed 's|^|../|' ../found |
	xargs gcov --preserve-paths --relative-only \
		--source-prefix "$source" >gcov.log 2>&1) || :
awk '
	/^File / {
		file = $0
		gsub(/^File .|.$/, "", file)
	}
	/^Lines executed:/ && file ~ /^(shm|sql|src)\/.*\.c$/ {
		split($0, part, /[:% ]+/)
		share = part[3]; lines = part[5]
		if (lines > all[file]) {
			all[file] = lines
			run[file] = lines * share / 100
		}
		file = ""
	}
	END {
		for (name in all) {
			printf "%6.1f %% of %5d  %s\n",
			    100 * run[name] / all[name], all[name], name
			total += all[name]
			executed += run[name]
			directory = name
			sub(/\/[^\/]*$/, "", directory)
			dir_all[directory] += all[name]
			dir_run[directory] += run[name]
		}
		for (name in dir_all)
			printf "%6.1f %% of %5d  %s/\n",
			    100 * dir_run[name] / dir_all[name],
			    dir_all[name], name
		printf "%6.1f %% of %5d  in all\n", 100 * executed / total,
		    total
	}' lines/gcov.log | sort -n >summary
cat summary
if command -v lcov >/dev/null && command -v genhtml >/dev/null; then
	lcov -q --capture --directory . --output-file lcov.info &&
		genhtml -q --output-directory html lcov.info
	echo "coverage/html/index.html has it for a browser"
else
	echo "for HTML install Debian's package lcov; coverage/lines has text"
fi
exit "$status"
