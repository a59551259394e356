#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Install or remove configuration files.  Called by make:
#
#	conffile.sh install|remove DESTDIR DIRECTORY MODE:NEW:KEPT:TARGET...
#
# KEPT, in DIRECTORY, is a copy of the file as it was installed.  A TARGET that
# is equal to it was not changed: it is replaced by NEW, or removed.  A changed
# one is kept.

set -eu

same() {
	cmp -s "$1" "$2"
}

# The umask protects the file until chmod: it may contain a password.
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
		echo "updating $4, which was not changed"
		# Keep its owner and mode.
		cat "$2" >"$4"
	else
		echo "keeping $4, which was changed; the new version is $3"
	fi
	put 644 "$2" "$3"
}

conffile_remove() { # KEPT TARGET
	if [ -f "$2" ] && [ ! -h "$2" ] && same "$1" "$2"; then
		echo "removing $2"
		rm -f "$2"
	elif [ -e "$2" ]; then
		echo "keeping $2, which was changed"
	fi
	rm -f "$1"
}

if [ $# -lt 4 ]; then
	echo "usage: conffile.sh install|remove DESTDIR DIRECTORY" \
		"MODE:NEW:KEPT:TARGET..." >&2
	exit 2
fi
action=$1
destdir=$2
kept=$2$3
shift 3
for file; do
	IFS=: read -r mode new name target <<-END
		$file
	END
	case $action in
	install) conffile_install "$mode" "$new" "$kept/$name" "$destdir$target" ;;
	remove) conffile_remove "$kept/$name" "$destdir$target" ;;
	esac
done
