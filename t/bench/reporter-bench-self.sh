#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What reporter-bench --self needs around it, in a temporary directory.
#
#	reporter-bench-self run PROGRAM ARGUMENT ...
#	reporter-bench-self reporter WORKERS KEYS CONNECTIONS INTERVAL DATABASE
#	reporter-bench-self database DIRECTORY OPTION ...
#
# run: run the program, reporter-bench, and remove everything when it ends or
# is interrupted.  reporter: what that calls to start the private reporter anew;
# 0 is the daemon's default, and DATABASE is 0 for one that is away, else 1.
# database: make a database in DIRECTORY and become its server, reached by
# DIRECTORY/database.sock alone; its user root has no password.  It is MariaDB's
# or MySQL's, or the one that REPORTER_TEST_SERVER names.  The suites of the tests
# start their server so, too.
#
# With REPORTER_BENCH_CONF the database is the one of that configuration instead,
# with a table of our own: reporter-bench-engine creates and removes it, called
# with REPORTER_BENCH_MAKE and REPORTER_BENCH_DROP.

database_patience=120 # seconds
reporter_patience=60

interrupt()
{
	[ -n "$interrupted" ] ||
		echo 'reporter-bench: interrupted; cleaning up' >&2
	interrupted=yes
	[ -z "$bench" ] || kill -s KILL -- "-$bench" "$bench" 2>/dev/null
}

run()
{
	umask 077
	interrupted='' bench=''
	trap interrupt HUP INT QUIT TERM
	# The path of a socket has at most about 100 bytes, and that of a data
	# directory no blanks.
	place=${TMPDIR:-/tmp}
	case $place in
	*[[:space:]]*) place=/tmp ;;
	/*) [ ${#place} -le 32 ] || place=/tmp ;;
	*) place=/tmp ;;
	esac
	REPORTER_BENCH_DIRECTORY=$(trap '' HUP INT QUIT TERM
		exec mktemp -d "$place/reporter-bench-XXXXXX") || exit 3
	REPORTER_BENCH_INSTANCE=bench-$$
	export REPORTER_BENCH_DIRECTORY REPORTER_BENCH_INSTANCE
	# A session of its own: all that is started there has its process
	# group, and gets no signal of the terminal.
	setsid "$@" &
	bench=$!
	# The reader of our output may be gone; cleaning up goes on.
	trap '' PIPE
	[ -z "$interrupted" ] || interrupt
	wait "$bench"
	status=$?
	[ -z "$interrupted" ] || wait "$bench" 2>/dev/null
	kill -s KILL -- "-$bench" 2>/dev/null
	case $interrupted$status in
	0|2) ;;
	yes*) status=3 ;;
	*)
		status=3
		(cd "$REPORTER_BENCH_DIRECTORY" && tail -n 12 ./*.log 2>/dev/null) >&2
		;;
	esac
	# The reporter has ended: nothing is written to the table any more.
	[ ! -e "$REPORTER_BENCH_DIRECTORY/table" ] ||
		engine "$REPORTER_BENCH_DROP" || status=3
	rm -f "/dev/shm/reporter.bench-$$" "/dev/shm/reporter.bench-$$".*
	rm -rf "$REPORTER_BENCH_DIRECTORY" ||
		{ sleep 1; rm -rf "$REPORTER_BENCH_DIRECTORY"; } ||
		echo "reporter-bench: cannot remove $REPORTER_BENCH_DIRECTORY" >&2
	exit $status
}

# Whether a process runs: a zombie does not.
alive()
{
	grep -q '^State:[[:blank:]]*[^Z[:blank:]]' "/proc/$1/status" 2>/dev/null
}

# wait_for SECONDS PROCESS COMMAND ...: until the command succeeds.  Fails when
# the process has ended, or the time is over.
wait_for()
{
	turns=$(($1 * 50)) process=$2
	shift 2
	until "$@"; do
		turns=$((turns - 1))
		[ $turns -gt 0 ] && alive "$process" || return 1
		sleep 0.02
	done
}

# shellcheck disable=SC2086 # options, or none
database_start()
{
	[ ! -e database.sock ] || return 0
	# Each statement on a line of its own, as servers read such a file.
	{
		echo 'CREATE DATABASE reporter; USE reporter;'
		sed '/^--/d' ${REPORTER_BENCH_SCHEMA:+"$REPORTER_BENCH_SCHEMA"} <<'END'
@schema@
END
	} | tr '\n\t' '  ' | sed 's/; */;\n/g' >schema.sql
	# A server removes what looks left over by another one from the
	# directory for temporary tables.
	TMPDIR=$PWD "$0" database "$PWD" --local-infile=1 \
		--init-file="$PWD/schema.sql" $REPORTER_BENCH_OPTIONS \
		>database.log 2>&1 </dev/null &
	wait_for $database_patience $! \
		grep -qs 'ready for connections' database.log || {
		echo 'reporter-bench: cannot start a database server' >&2
		exit 1
	}
}

# Run the engine; of what it prints only an error is shown.
engine()
{
	said=$("${0%/*}/reporter-bench-engine" "$1") && return
	echo "reporter-bench: $said" |
		sed 's/{"error":"\(.*\)"}$/\1/' >&2
	return 1
}

table_make()
{
	[ ! -e table ] || return 0
	# First the mark: an interruption may come at any time.
	: >table
	engine "$REPORTER_BENCH_MAKE" || exit 1
}

gone()
{
	! alive "$1"
}

reporter_stop()
{
	[ -e reporter.pid ] || return 0
	old=$(cat reporter.pid)
	kill -TERM "$old" && wait_for $reporter_patience "$old" gone "$old"
	rm -f "/dev/shm/reporter.$REPORTER_BENCH_INSTANCE" \
		"/dev/shm/reporter.$REPORTER_BENCH_INSTANCE".*
}

# What a configuration of others may not change here.
foreign_conf()
{
	cat <<END
include = $REPORTER_BENCH_CONF
user =
group =
pid_file =
[limits]
accept_rate = 0
max_message = 64k
max_connection_age = 0
allow =
deny =
check_caller = off
[tls]
certificate =
key =
client_ca =
[mysql]
table = $REPORTER_BENCH_TABLE
retention = 0
END
}

own_conf()
{
	cat <<END
[mysql]
host = localhost
socket = $PWD/database.sock$([ "$1" = 1 ] || echo .away)
user = root
database = reporter
read_timeout = 10min
END
}

# Each worker has room for all keys: services are divided by hash.
reporter_conf()
{
	echo '[reporter]'
	if [ -n "$REPORTER_BENCH_CONF" ]; then
		foreign_conf
	else
		own_conf "$5"
	fi
	cat <<END
[reporter]
instance = $REPORTER_BENCH_INSTANCE
listen = 127.0.0.1:0
shutdown_timeout = 100ms
$([ "$(id -u)" != 0 ] || echo 'user = root')
$([ "$1" = 0 ] || echo "workers = $1")
[limits]
max_connections = $3
max_connections_per_address = 0
[queue]
table_keys = $2
[log]
target = stderr
[mysql]
dead_letter_file = $PWD/dead
$([ "$4" = 0 ] || echo "flush_interval = ${4}ms")
END
}

reporter()
{
	cd "$REPORTER_BENCH_DIRECTORY" || exit 1
	server=${REPORTER_BENCH_SERVER:-@sbindir@/reporter}
	reporter_stop
	if [ -n "$REPORTER_BENCH_CONF" ]; then
		table_make
	elif [ "$5" != 0 ]; then
		database_start
	fi
	reporter_conf "$@" >reporter.conf
	# Nobody must find the port of the previous reporter.
	: >reporter.log
	"$server" -f -c "$PWD/reporter.conf" >>reporter.log 2>&1 </dev/null &
	echo $! >reporter.pid
	listening='listening on 127\.0\.0\.1:\([0-9]\{1,\}\)'
	wait_for $reporter_patience $! grep -qs "$listening\$" reporter.log || {
		echo "reporter-bench: $server ended at its start" >&2
		exit 1
	}
	# So that the file tells, as anybody's does, where agents connect.
	port=$(sed -n "s/.*$listening\$/\1/p" reporter.log)
	sed -i "s/^listen = .*/listen = 127.0.0.1:$port/" reporter.conf
}

# shellcheck disable=SC2086 # options, or none
database()
{
	at=$1
	shift
	PATH=/usr/sbin:/usr/bin:/usr/libexec:/usr/local/sbin:/usr/local/bin
	PATH=$PATH:/usr/local/mysql/bin:/sbin:/bin
	server=$REPORTER_TEST_SERVER
	[ -n "$server" ] || server=$(command -v mariadbd || command -v mysqld) || {
		echo 'no database server: install mariadb-server-core'
		exit 1
	}
	user=''
	[ "$(id -u)" != 0 ] || user=--user=root
	case $("$server" --no-defaults --version) in
	*MariaDB*)
		more=''
		make=$(command -v mariadb-install-db || command -v mysql_install_db)
		how=--auth-root-authentication-method=normal
		;;
	*)
		more='--secure-file-priv= --loose-mysqlx=OFF --skip-log-bin'
		make=$server how="--initialize-insecure $more"
		# Before 5.7 a script did this.
		"$make" --no-defaults $how --help >/dev/null 2>&1 ||
			make=$(command -v mysql_install_db) how=''
		;;
	esac
	"$make" --no-defaults $how --datadir="$at/data" $user || exit 1
	exec "$server" --no-defaults $more --skip-networking \
		--datadir="$at/data" $user --socket="$at/database.sock" \
		--pid-file="$at/database.pid" "$@"
}

case $1 in
run|reporter|database) "$@" ;;
*) sed -n 's/^#	/usage: /p' "$0" >&2; exit 2 ;;
esac
