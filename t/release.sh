#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Make a release from the commit that is checked out:
#
#	t/release.sh [--dry-run] [--tested] VERSION
#
# 1. NEWS must begin with "reporter VERSION";
# 2. in a clone, build/release/clone, the version is written into configure.ac
#    and committed;
# 3. there .ci/run must pass, and make distcheck with all tests, with clang and
#    gcc;
# 4. only then the commit and the tag vVERSION come into this tree; the archive
#    is in build/release.
#
# Nothing is pushed.  --dry-run leaves out what changes this tree.  --tested
# leaves out .ci/run and the tests of make distcheck: they have passed before.

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

[[ $(head -n 1 debian/changelog) == "reporter ($version) "* ]] ||
	fail "debian/changelog begins with another version"

tree=$PWD out=$PWD/build/release
mkdir -p "$out"
rm -rf "$out/clone"
git clone -q . "$out/clone"
cd "$out/clone"

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
autoreconf -i >"$out/autoreconf.log" 2>&1
options=()
[[ $tested == no ]] || options=(TESTS=)
for cc in clang gcc; do
	place=$out/$cc
	rm -rf "$place"
	mkdir "$place"
	echo "release: make distcheck with $cc in $place"
	(
		cd "$place"
		"$out/clone/configure" CC="$cc" >configure.log 2>&1
		make distcheck "${options[@]}" >make.log 2>&1
	) || {
		tail -n 20 "$place"/*.log >&2
		fail "$cc: see $place"
	}
done
git tag -a "$tag" -m "reporter $version"
mv "$out/gcc/reporter-$version.tar.xz" "$out/"
(cd "$out" && sha256sum "reporter-$version.tar.xz")

if [[ $dry == yes ]]; then
	echo "release: dry run: this tree is as it was; the archive is in $out"
	exit
fi
cd "$tree"
git fetch -q "$out/clone" "refs/tags/$tag:refs/tags/$tag"
git merge -q --ff-only "$tag"
echo "release: tagged $tag; the archive is in $out.  To publish:" \
	"git push origin HEAD $tag"
