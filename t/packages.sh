#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The Debian packages, from the archive that `make dist` has made.  In the
# directory of a build:
#
#	packages.sh build	make them, in packages/
#	packages.sh check	and test them
#
# check builds once more, in another directory with another umask, language and
# time zone, and compares; runs lintian, and rpmbuild and rpmlint on the spec file;
# and in a Debian 12 that it boots, with systemd and with SysV init, installs a
# package of a lower version, runs debian/tests/service, upgrades while an agent
# is connected, and purges.  That requires root, mounts, debootstrap and apt's
# mirror, or it is skipped (exit status 77).
#
# From make: abs_top_srcdir, VERSION.

# shellcheck disable=SC2016 # variables of other shells, and of apt

here=$PWD/packages
source=${abs_top_srcdir:?}
old=0.0.1
with=adduser,bash-completion,curl,iproute2,libjansson4,libmariadb3,libmicrohttpd12
with=$with,libncursesw6,libprotobuf-c1,libseccomp2,logrotate,mariadb-server
with=$with,procps,python3
passed=0 failed=0
umask 022

# shellcheck source-path=SCRIPTDIR source=steps.sh
. "${abs_top_srcdir:?}/t/steps.sh"

# try WHAT COMMAND ...: counts how it went.
try()
{
	what=$1
	log=$here/try.log
	shift
	if "$@" >"$log" 2>&1 </dev/null; then
		echo "PASS: $what"
		passed=$((passed + 1))
	else
		echo "FAIL: $what"
		tail -n 40 "$log"
		failed=$((failed + 1))
	fi
}

# ----------------------------------------------------------------- building --

# build DIRECTORY [VERSION]: from the archive, in DIRECTORY/reporter-VERSION.
build()
{
	command -v dh >/dev/null ||
		skip "packages: dh was not found: install Debian's package debhelper"
	rm -rf "${here:?}/$1"
	mkdir -p "$here/$1"
	tar -xf "reporter-$VERSION.tar.xz" -C "$here/$1"
	step "building ${2-$VERSION} in packages/$1"
	[ -z "${2-}" ] || sed -i "1s/(.*)/($2)/" \
		"$here/$1/reporter-$VERSION/debian/changelog"
	quietly "build-$1" env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u CFLAGS \
		sh -ec 'cd "$1" && dpkg-buildpackage -us -uc -b' sh \
		"$here/$1/reporter-$VERSION"
}

# The first entry of the changelog must be that of configure.ac.
same_version()
{
	[ "$(dpkg-parsechangelog -S Version \
		-l "$source/debian/changelog")" = "$VERSION" ]
}

build_otherwise()
{
	(
		umask 002
		export LC_ALL=C.UTF-8 TZ=Pacific/Kiritimati USER=other
		build a-second-time
	)
}

same_bytes()
{
	for package in new/*.deb; do
		cmp "$package" "a-second-time/${package#*/}" || return 1
	done
}

# Tags of both severities fail; overrides say why they are there.
lint()
{
	lintian --allow-root -EviI --pedantic --fail-on error,warning \
		new/*.changes
}

spec()
{
	command -v rpmbuild >/dev/null || {
		echo "left out: rpm was not found: install Debian's package rpm"
		return
	}
	step 'building from the spec file in packages/rpm'
	# Debian lacks the macros of systemd.
	try 'rpmbuild -ta' rpmbuild --define "_topdir $here/rpm" --nodeps \
		--define '_unitdir /usr/lib/systemd/system' \
		--define '_sysusersdir /usr/lib/sysusers.d' \
		--define '_tmpfilesdir /usr/lib/tmpfiles.d' \
		-ta "reporter-$VERSION.tar.xz"
	command -v rpmlint >/dev/null || {
		echo "left out: rpmlint: install Debian's package rpmlint"
		return
	}
	# Tags that a distribution sets, or that are obsolete; names of libraries
	# are Mandriva's; the archive is not published; and Debian's list of
	# licenses is empty.
	cat >"$here/rpmlintrc" <<-'END'
		addFilter("no-(buildroot|group|packager|url)-tag")
		addFilter("no-signature")
		addFilter("lib-package-without-%mklibname")
		addFilter("invalid-url Source0: reporter-")
		addFilter("invalid-license MIT")
	END
	try rpmlint rpmlint --strict -r "$here/rpmlintrc" etc/reporter.spec \
		"$here"/rpm/SRPMS/*.src.rpm
}

# ----------------------------------------------------------------- running ---

# Runs in a root directory, with this machine's network.
inside()
{
	unshare -m sh -ec 'cd "$1"
		shift
		mount -t proc proc proc
		mount --rbind /dev dev
		mount -t tmpfs tmpfs tmp
		exec chroot . env -u TMPDIR DEBIAN_FRONTEND=noninteractive "$@"
		' inside "$@"
}

make_roots()
{
	[ "$(cat "$here/complete" 2>/dev/null)" != "$with" ] || return 0
	mirror=$(apt-get indextargets --format '$(REPO_URI)' \
		'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
		head -n 1)
	[ -n "$mirror" ] || skip 'packages: apt has no mirror of Debian'
	rm -rf "$here/fresh" "$here/systemd" "$here/sysv" "$here/complete"
	step 'making a root directory of Debian 12 in packages/fresh'
	quietly fresh unshare -m debootstrap --variant=minbase bookworm \
		"$here/fresh" "$mirror"
	step 'making a root directory of Debian 12 in packages/systemd'
	quietly debootstrap unshare -m debootstrap --variant=minbase \
		--include="systemd-sysv,$with" \
		bookworm "$here/systemd" "$mirror"
	quietly clean inside "$here/systemd" apt-get clean
	step 'and one with SysV init in packages/sysv'
	cp -a "$here/systemd" "$here/sysv"
	quietly sysv inside "$here/sysv" sh -ec 'apt-get update
		apt-get install -y --allow-remove-essential sysvinit-core \
			systemd-standalone-sysusers systemd-standalone-tmpfiles \
			systemd- systemd-sysv-
		apt-get clean'
	echo "$with" >"$here/complete"
}

# The commands of INSTALL, chapters 1 and 2, literally.  Then the example of
# reporter_client(3) is compiled as that page says, with the packages.
by_the_book()
{
	rm -rf "$here/book"
	cp -a "$here/fresh" "$here/book"
	tar -xf "../reporter-$VERSION.tar.xz" -C "$here/book/root"
	sed -n '/^## 1/,/^## 3/p' "$source/INSTALL.md" | awk '
		/^    sudo apt-get install gcc/ || /^    .\/configure/ { on = 1 }
		/^$/ { on = 0 }
		on { sub(/sudo /, ""); print }' |
		sed 's/apt-get install/& -y/; s/make && make check/make/' \
			>"$here/book/root/commands"
	cat "$here/book/root/commands"
	sed -n '/^#include <reporter.h>/,/^\.Ed/p' "$source/man/reporter_client.3" |
		sed '$d; s/\\e/\\/g' >"$here/book/root/agent.c"
	cp new/libreporter*.deb "$here/book/root"
	grep -q 'make install' "$here/book/root/commands" &&
		inside "$here/book" sh -exc 'cd "/root/reporter-$1"
			. ../commands
			sbin=/usr/local/sbin
			$sbin/reporter -V
			$sbin/reporter-web -V
			test -x /etc/init.d/reporter
			make uninstall
			test ! -e $sbin/reporter
			cd ..
			apt-get install -y ./libreporter0_*.deb \
				./libreporter-tls0_*.deb ./libreporter-dev_*.deb
			cc -o agent agent.c $(pkg-config --cflags --libs reporter)
			ldd agent' sh "$VERSION"
}

# boot ROOT: sets init, its process.
boot()
{
	group=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$group" ] || skip 'packages: no cgroup2 is mounted'
	group=$group/reporter-packages-$$
	place=$here/booted-$1
	rm -rf "$place"
	mkdir -p "$group" "$place"
	cp -a new older "$source/debian/tests" "$place/"
	unshare --fork --pid --mount --ipc --uts --net bash \
		"$source/t/booted.sh" "$place" "$group" "$here/$1" \
		>"$here/boot-$1.log" 2>&1 </dev/null &
	starter=$!
	tenths=300
	until init=$(cat "/proc/$starter/task/$starter/children" 2>/dev/null) &&
		init=${init% } && [ -n "$init" ] && ready "$1"
	do
		if [ "$tenths" = 0 ] || ! kill -0 "$starter" 2>/dev/null; then
			tail "$here/boot-$1.log"
			halt
			skip "packages: cannot boot packages/$1"
		fi
		tenths=$((tenths - 1))
		sleep 0.1
	done
}

ready()
{
	case $1 in
	systemd) there systemctl is-active multi-user.target ;;
	*) [ "$(there runlevel 2>/dev/null)" = 'N 2' ] ;;
	esac >/dev/null 2>&1
}

# there COMMAND ...: runs it in the machine that was booted.
there()
{
	nsenter -t "$init" -m -p -i -u -n env -i HOME=/root \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		DEBIAN_FRONTEND=noninteractive timeout 120 "$@"
}

halt()
{
	kill -KILL "$init" 2>/dev/null
	wait "$starter" 2>/dev/null
	rmdir "$group" 2>/dev/null || find "$group" -depth -type d \
		-exec rmdir {} + 2>/dev/null
}

install()
{
	there sh -ec 'cd /mnt/"$1" && ls -l && apt-get install -y \
		--allow-downgrades --no-install-recommends ./reporter_*.deb \
		./reporter-bench_*.deb $2' sh "$@"
}

# One connection of an agent from before the upgrade to after it.
upgrade()
{
	there sh -ec 'cd /tmp
		row() {
			mysql -N reporter -e "SELECT 1 FROM ServerCallStatus
				WHERE modid = $1" | grep -q 1
		}
		await() {
			for _ in $(seq 150); do
				! "$@" || return 0
				sleep 0.1
			done
			echo "failed: $*"
			return 1
		}
		mkfifo agent
		reporter-send <agent &
		sender=$!
		exec 9>agent
		echo 21 2 127.0.0.1 0 10.0.0.1 8080 100 3 0 >&9
		await row 21
		before=$(reporterctl status --json | grep -m 1 \"pid\")
		echo "# mine" >>/etc/reporter/reporter.conf
		cd /mnt/new
		apt-get install -y ./reporter_*.deb ./reporter-web_*.deb \
			./reporter-bench_*.deb
		cd /tmp
		test "$(dpkg-query -W -f "\${Version}" reporter)" = "$1"
		test "$(stat -c "%U:%G %a" /etc/reporter/reporter.conf)" = \
			"root:reporter 640"
		grep "# mine" /etc/reporter/reporter.conf
		after=$(reporterctl status --json | grep -m 1 \"pid\")
		echo "$before" "$after"
		test "$before" != "$after"
		echo 22 2 127.0.0.1 0 10.0.0.1 8080 100 3 0 >&9
		await row 22
		exec 9>&-
		wait $sender
		if [ -d /run/systemd/system ]; then
			systemctl is-enabled reporter.socket reporter.service
		else
			test -e /etc/rc2.d/S*reporter
		fi
		reporterctl check' sh "$VERSION"
}

# The program of by_the_book().
agent()
{
	cp "$here/book/root/agent" "$place"
	there sh -ec 'cd /mnt
		apt-get install -y ./new/libreporter0_*.deb
		mysql reporter -e "DELETE FROM ServerCallStatus"
		./agent
		for _ in $(seq 150); do
			! mysql -N reporter -e "SELECT * FROM ServerCallStatus" |
				grep . || exit 0
			sleep 0.1
		done
		exit 1'
}

# In names of files, of processes, and of sockets.
purge()
{
	there sh -ec 'test -n "$(pgrep reporter)"
		apt-get purge -y reporter reporter-web reporter-bench libreporter0
		left=$(find / \( -path /proc -o -path /sys -o -path /mnt \
			-o -path /var/lib/mysql -o -path /var/log/journal \) -prune \
			-o -name "*reporter*" -print)
		left="$left$(pgrep -a reporter || :)$(ss -ltn | grep 12316 || :)"
		left="$left$(dpkg -l "reporter*" | grep ^rc || :)"
		echo "left: $left"
		test -z "$left"
		getent passwd reporter'
}

# machine ROOT ADDITIONAL PACKAGES
machine()
{
	step "Debian 12 with $1"
	boot "$1"
	there ip link set lo up
	try "$1: a lower version is installed" install older "$2"
	try "$1: debian/tests/service" there sh /mnt/tests/service
	try "$1: an upgrade keeps agents" upgrade
	try "$1: the example of reporter_client(3)" agent
	try "$1: purge leaves nothing" purge
	halt
}

mkdir -p "$here"
case $1 in
build)
	build new
	ls -l "$here"/new/*.deb
	exit 0
	;;
check) ;;
*)
	sed -n 's/^#	/usage: /p' "$0" >&2
	exit 2
	;;
esac
try 'debian/changelog has the version of configure.ac' same_version
build new
build_otherwise || exit
build older $old
spec
cd "$here" || exit
try 'two builds have the same bytes' same_bytes
try lintian lint
if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
	echo 'left out: a booted Debian: requires root and mounts'
else
	make_roots
	step 'the commands of INSTALL in a fresh Debian 12'
	try 'INSTALL, chapters 1 and 2' by_the_book
	machine systemd ./reporter-web_*.deb
	machine sysv ./reporter-web_*.deb
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
