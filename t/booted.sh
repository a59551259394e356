#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Boot a systemd of its own: process 1 of its own namespaces, with its own view
# of this machine's files, where nothing that it changes reaches the machine.
#
#	unshare --fork --pid --mount --ipc --uts --net \
#		booted.sh DIRECTORY CGROUP [ROOT]
#
# DIRECTORY, where the view's changes are kept in memory, is /mnt there.  CGROUP is
# an empty directory of a cgroup2 file system.  The units of this machine are
# hidden, but for what a service needs to be started; with ROOT, another root
# directory is booted as it is, also with SysV init.  Exits with 77 when this
# machine does not let it.

set -eu
directory=$1 cgroup=$2 lower=${3-/}
base=$directory/booted root=$directory/booted/root

cannot() {
	echo "this machine does not let a systemd be booted: $*"
	exit 77
}

may() {
	"$@" || cannot "$*"
}

copy_units() {
	local unit
	for unit in sysinit basic shutdown umount final sockets timers paths \
		slices local-fs network network-online nss-lookup time-sync \
		multi-user; do
		cp "$lib/$unit.target" "$1"
	done
	cp "$lib"/systemd-journald{.service,.socket,-dev-log.socket} "$1"
	mkdir "$1/sysinit.target.wants"
	ln -s ../systemd-journald.service "$1/sysinit.target.wants/"
}

mkdir "$base"
may mount --make-rprivate /
may mount -t tmpfs -o mode=755,size=1g tmpfs "$base"
mkdir "$base/upper" "$base/work" "$root"
may mount -t overlay -o "lowerdir=$lower,upperdir=$base/upper,workdir=$base/work" \
	overlay "$root"
may mount -t proc proc "$root/proc"
may mount -t sysfs -o ro sysfs "$root/sys"
may mount -t tmpfs -o mode=755 tmpfs "$root/run"
may mount -t tmpfs -o mode=755 tmpfs "$root/dev"
may cp -a /dev/{null,zero,full,random,urandom,tty} "$root/dev/"
ln -s /proc/self/fd "$root/dev/fd"
ln -s pts/ptmx "$root/dev/ptmx"
mkdir "$root/dev/shm" "$root/dev/pts" "$root/dev/mqueue"
may mount -t tmpfs -o mode=1777,size=128m tmpfs "$root/dev/shm"
may mount -t mqueue mqueue "$root/dev/mqueue"

lib=/lib/systemd/system
hide_units() {
	local hidden
	mkdir "$base/units"
	copy_units "$base/units"
	for hidden in etc/systemd/system lib/systemd/system-generators "${lib#/}"; do
		mkdir -p "$root/$hidden"
		may mount -t tmpfs tmpfs "$root/$hidden"
	done
	cp -a "$base/units/." "$root$lib/"
}
[ "$lower" != / ] || hide_units
may mount --bind "$directory" "$root/mnt"

# Into the group, which is then the root of all that is seen of them.
echo 0 >"$cgroup/cgroup.procs" || cannot "cgroup $cgroup"
target=basic.target
[ "$lower" = / ] || target=multi-user.target
export root target
may unshare --cgroup true
# shellcheck disable=SC2016 # for the other shell
exec unshare --cgroup bash -euc '
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" || exit 77
	cd "$root"
	mkdir -p before
	pivot_root . before
	umount -l /before
	PATH=/usr/sbin:/usr/bin:/sbin:/bin
	[ -x /lib/systemd/systemd ] || exec env -i PATH="$PATH" /sbin/init
	exec env -i container=booted PATH="$PATH" \
		/lib/systemd/systemd --system --unit="$target" \
		--log-target=journal --show-status=no'
