#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Which files clang-format would change.  Called by make format, in the
# directory of the build:
#
#	format.sh SOURCE        names each, and fails
#	format.sh SOURCE -i     changes them
#
# Versions differ in what they make of one .clang-format, so it is version 14
# (Debian 12's) or nothing: then this ends with 77.

set -eu
version=14
tool=
for name in clang-format-$version clang-format; do
	if [ -z "$tool" ] && command -v "$name" >/dev/null &&
		"$name" --version | grep -q " version $version\\."; then
		tool=$name
	fi
done
if [ -z "$tool" ]; then
	echo "skipped: clang-format $version was not found: install Debian's" \
		"package clang-format-$version"
	exit 77
fi

cd "$1"
passed=0 failed=0
# What a build in the source makes is not ours to lay out.
for file in $(find shm sql src t -name '*.[ch]' ! -name '*.pb-c.[ch]' |
	LC_ALL=C sort); do
	if [ "${2-}" = -i ]; then
		$tool -i "$file"
	elif ! $tool "$file" | cmp -s - "$file"; then
		echo "FAIL: $file: make format-fix, or by hand"
		$tool "$file" | diff -u "$file" - | head -n 20 || :
		failed=$((failed + 1))
		continue
	fi
	passed=$((passed + 1))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
