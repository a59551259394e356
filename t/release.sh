#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Make a release of a clean tree:
#
#	t/release.sh [--dry-run] [--tested] VERSION
#
# 1. NEWS must begin with "reporter VERSION";
# 2. the version is written into configure.ac, and committed;
# 3. .ci/run must pass, then make distcheck with all tests, by gcc and clang;
# 4. the commit is tagged vVERSION, and the archive of make dist is put into
#    build/release.
#
# Nothing is pushed.  --dry-run works in a clone below build/release and leaves
# this tree as it is.  --tested leaves out .ci/run and the tests of make
# distcheck: they have passed on this commit.

set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

fail() {
	echo "release: $*" >&2
	exit 1
}

usage() {
	sed -n 's/^#\t//p' "$0" >&2
	exit 2
}

dry=no tested=no version=''
for word; do
	case $word in
	--dry-run) dry=yes ;;
	--tested) tested=yes ;;
	-*) usage ;;
	*)
		[[ -z $version ]] || usage
		version=$word
		;;
	esac
done
[[ $version =~ ^[0-9]+\.[0-9]+(\.[0-9]+)?$ ]] || usage
tag=v$version

command -v git >/dev/null ||
	fail "git was not found: install Debian's package git"
[[ -z $(git status --porcelain) ]] || fail "the tree has uncommitted changes"
! git rev-parse -q --verify "refs/tags/$tag" >/dev/null ||
	fail "tag $tag exists"
[[ $(head -n 1 NEWS) == "reporter $version" ]] ||
	fail "NEWS begins with \"$(head -n 1 NEWS)\", not with \"reporter" \
		"$version\""

out=$PWD/build/release
mkdir -p "$out"
if [[ $dry == yes ]]; then
	rm -rf "$out/clone"
	git clone -q . "$out/clone"
	cd "$out/clone"
fi

sed -i "s/^AC_INIT(\[reporter\], \[[^]]*\]/AC_INIT([reporter], [$version]/" \
	configure.ac
grep -q "^AC_INIT(\[reporter\], \[$version\]" configure.ac ||
	fail "AC_INIT() of configure.ac was not recognized"
if [[ -n $(git status --porcelain) ]]; then
	git commit -q -m "build: version $version" configure.ac
fi

if [[ $tested == no ]]; then
	.ci/run
fi
for cc in clang gcc; do
	place=$out/$cc
	rm -rf "$place"
	mkdir "$place"
	echo "release: make distcheck with $cc in $place"
	[[ -x configure ]] || autoreconf -i >"$place/autoreconf.log" 2>&1
	tree=$PWD
	(
		cd "$place"
		"$tree/configure" CC="$cc" >configure.log 2>&1
		if [[ $tested == yes ]]; then
			make distcheck TESTS= >make.log 2>&1
		else
			make distcheck >make.log 2>&1
		fi
	) || {
		tail -n 20 "$place"/*.log >&2
		fail "$cc: see $place"
	}
done

git tag -a "$tag" -m "reporter $version"
mv "$out/gcc/reporter-$version.tar.xz" "$out/"
(cd "$out" && sha256sum "reporter-$version.tar.xz")
if [[ $dry == yes ]]; then
	git tag -d "$tag" >/dev/null
	echo "release: dry run: nothing was changed; the archive is in $out"
else
	echo "release: tagged $tag; the archive is in $out.  To publish:" \
		"git push origin HEAD $tag"
fi
