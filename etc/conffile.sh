#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Install or remove a file that administrators change.  Called by make:
#
#	conffile.sh install MODE NEW KEPT TARGET
#	conffile.sh remove KEPT TARGET
#
# KEPT is where the file lies as it came with the version that is installed.  A
# TARGET that is still like it was never changed: then it is replaced by the NEW
# one, or removed.  Else it is the administrator's, and stays.

set -eu

same() {
	cmp -s "$1" "$2"
}

# The umask guards the moment before chmod: a password may come into it.
put() { # MODE FROM TO
	mkdir -p "$(dirname "$3")"
	(umask 077 && cp "$2" "$3.new")
	chmod "$1" "$3.new"
	mv "$3.new" "$3"
}

conffile_install() { # MODE NEW KEPT TARGET
	if [ ! -e "$4" ] && [ ! -h "$4" ]; then
		echo "installing $4"
		put "$1" "$2" "$4"
	elif same "$2" "$4"; then
		:
	elif [ ! -h "$4" ] && same "$3" "$4"; then
		echo "installing $4, which nobody has changed"
		# Its owner and mode may have been: they stay.
		cat "$2" >"$4"
	else
		echo "$4 was changed and stays; the new one is $3"
	fi
	put 644 "$2" "$3"
}

conffile_remove() { # KEPT TARGET
	if [ -f "$2" ] && [ ! -h "$2" ] && same "$1" "$2"; then
		echo "removing $2"
		rm -f "$2"
	elif [ -e "$2" ]; then
		echo "$2 was changed and stays"
	fi
	rm -f "$1"
}

case ${1-} in
install) conffile_install "$2" "$3" "$4" "$5" ;;
remove) conffile_remove "$2" "$3" ;;
*)
	echo "usage: conffile.sh install MODE NEW KEPT TARGET" >&2
	echo "       conffile.sh remove KEPT TARGET" >&2
	exit 2
	;;
esac
