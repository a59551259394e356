#!/bin/sh
# SPDX-License-Identifier: MIT
#
# analyse.sh: gcc -fanalyzer, clang's scan-build and cppcheck over the whole
# tree, each in a directory of analyse/, with nothing suppressed.  Of generated
# code nothing is asked.  The last line sums up; the exit status is 0 when no
# analyser says anything.
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
make=${MAKE:-make}
jobs=$(nproc)
passed=0
failed=0

need()
{
	command -v "$1" >/dev/null || {
		echo "$1 was not found: install Debian's package $2" >&2
		exit 1
	}
}

# judge NAME LOG: what it says of our own files is a finding; a build that
# breaks is one, too.
judge()
{
	if [ "$status" = 0 ] && ! grep -E '(warning|error): ' "$2" |
		grep -vq '\.pb-c\.[ch]:'; then
		echo "PASS: $1"
		passed=$((passed + 1))
		return
	fi
	cat "$2" >&2
	echo "FAIL: $1: see $(pwd)/$2"
	failed=$((failed + 1))
}

# in_directory NAME CONFIGURE-ARGUMENT...: build everything there, the tests too.
in_directory()
{
	directory=analyse/$1
	shift
	rm -rf "$directory"
	mkdir -p "$directory"
	(
		cd "$directory"
		# A make above with -j would have this one warn of its own.
		unset MAKEFLAGS MFLAGS
		$before "$source/configure" -q "$@"
		$before "$make" -s -k -j"$jobs" all
		$before "$make" -s -k -j"$jobs" check TESTS=
	)
}

need gcc gcc
need scan-build clang-tools
need cppcheck cppcheck
mkdir -p analyse

status=0
before=''
in_directory gcc CC=gcc CFLAGS='-O1 -g -fanalyzer' >analyse/gcc.log 2>&1 ||
	status=$?
judge "gcc -fanalyzer" analyse/gcc.log

status=0
before="scan-build --status-bugs -o $(pwd)/analyse/found"
in_directory clang CC=clang CFLAGS='-O0 -g' >analyse/clang.log 2>&1 || status=$?
judge scan-build analyse/clang.log

# "portability" would have us use readdir_r(), which glibc deprecates.
status=0
(
	cd "$source"
	cppcheck -q -j"$jobs" --std=c11 --enable=warning,performance \
		--library=posix,gnu --error-exitcode=1 -I "$OLDPWD" -I . \
		-I src -I t shm sql src t
) >analyse/cppcheck.log 2>&1 || status=$?
judge cppcheck analyse/cppcheck.log

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
