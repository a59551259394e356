# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Steps of the checks that make a root directory: check_mysql.sh, packages.sh.
# here: the directory of their logs.

step()
{
	echo "==> $(date +%T) $*"
}

skip()
{
	echo "skipped: $*"
	exit 77
}

# quietly LOG COMMAND ...: shows the log's end when it fails.
quietly()
{
	log=${here:?}/$1.log
	shift
	"$@" >"$log" 2>&1 </dev/null && return
	tail -n 40 "$log"
	echo "failed: $*; see $log"
	exit 1
}
