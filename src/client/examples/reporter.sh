# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# An agent of reporter(8) for the shell, by the rules of reporter-protocol(7).  It
# reads lines "modid cmdid ip port succ err overload", adds up what was counted
# since the last report of a key, and reports each interval by reporter-send(1):
#
#     echo 1 2 10.0.0.1 8080 100 3 0 | bash reporter.sh HOST PORT [INTERVAL]
#
# As a service it counts for other programs of the host.  Each writes lines to a
# FIFO, which a line of tmpfiles.d(5) makes:
#
#     p /run/agent/calls 0660 root www-data
#
# The service, and what a program does for each call:
#
#     bash reporter.sh HOST PORT 15 <>/run/agent/calls
#     [ -p /run/agent/calls ] && echo 1 2 10.0.0.1 8080 1 0 0 1<>/run/agent/calls
#
# "<>" does not wait for the other side, and has no end; without a FIFO it would
# make a file.  A line is lost if nobody has the FIFO open.
#
# reporter-send has a connection for each interval: its exit status shows that the
# reporter has read all of it, and no heartbeat is needed.  CALLER in the
# environment is our IPv4 address, by default that from which HOST is reached.

KEYS_MAX=10000           # keys in memory; what is counted for others is dropped
FORGET=3600              # seconds without calls after which a key is removed
PAUSE_MIN=2 PAUSE_MAX=64 # seconds before connecting again
URGENT=1                 # seconds between reports of a changed overload

host=${1?usage: reporter.sh HOST PORT [INTERVAL]} port=${2?PORT is missing}
interval=${3:-15}
caller=${CALLER:-}
if [[ ! $caller ]]; then
	# Of an IPv4 address, if it has one.
	peer=$(getent ahostsv4 "$host" || getent ahosts "$host") || exit 2
	caller=$(ip route get "${peer%% *}" | grep -Po 'src \K\S+') || exit 2
fi
if [[ $caller == *:* ]]; then
	echo "set the caller: $caller is not an IPv4 address" >&2
	caller=0.0.0.0
fi

declare -A succ err overload changed sent ts # by "modid cmdid ip port"
dropped=0 urgent='' again='' sender='' part='' pause=$PAUSE_MIN
seconds=0 # the time of day; never goes back, or rows would not change

# Milliseconds of a clock that nobody sets.
clock() {
	read -r now _ </proc/uptime
	now=$((10#${now/./} * 10))
}

signed='(-?[0-9]{1,10})' number='([0-9]{1,10})'
line="^$signed $signed ([0-9.]{7,15}) $number $number $number ([01])\$"
count() {
	[[ $1 =~ $line ]] || return
	local key="${BASH_REMATCH[*]:1:4}" more=("${BASH_REMATCH[@]:5}")

	if [[ ! ${succ[$key]} ]]; then
		if ((${#succ[@]} >= KEYS_MAX)); then
			((dropped++))
			return
		fi
		succ[$key]=0 err[$key]=0 overload[$key]=0 ts[$key]=0
	fi
	succ[$key]=$((${succ[$key]} + 10#${more[0]}))
	err[$key]=$((${err[$key]} + 10#${more[1]}))
	[[ ${overload[$key]} == "${more[2]}" ]] && return
	overload[$key]=${more[2]} changed[$key]=yes urgent=yes
}

# Report what is new; with $again the last report of the other keys once more.
report() {
	local key lines='' fields

	((EPOCHSECONDS < seconds)) || seconds=$EPOCHSECONDS
	for key in "${!succ[@]}"; do
		if [[ ${changed[$key]} || ${succ[$key]} != 0 || ${err[$key]} != 0 ]]; then
			sent[$key]="${succ[$key]} ${err[$key]}" ts[$key]=$seconds
			succ[$key]=0 err[$key]=0 changed[$key]=''
		elif [[ ! $again || ${ts[$key]} == 0 ]]; then
			((seconds - ${ts[$key]} <= FORGET)) ||
				unset "succ[$key]" "err[$key]" "overload[$key]" \
					"changed[$key]" "sent[$key]" "ts[$key]"
			continue
		fi
		read -ra fields <<<"$key"
		lines+="${fields[*]::2} $caller ${ts[$key]} ${fields[*]:2} "
		lines+="${sent[$key]} ${overload[$key]}"$'\n'
	done
	urgent='' again=''
	[[ $lines ]] || return 0
	# Sorted, the results of one service are one report.
	send "$(sort <<<"$lines")" &
	sender=$!
}

# Send to each address, until one does not refuse us.
send() {
	local address status=3

	for address in $(getent ahosts "$host" | grep -Po '\S+(?= +STREAM)'); do
		reporter-send -H "$address" -p "$port" <<<"$1"
		status=$?
		((status <= 1)) && break
	done
	exit "$status"
}

# Whether the last report was read; sets when the next one may be sent.
settled() {
	[[ $sender ]] || return 0
	wait "$sender"
	local status=$?
	sender=''
	if ((status <= 1)); then # 1: of a faulty line; all others were sent
		pause=$PAUSE_MIN
		return 0
	fi
	# Nobody knows how much of it was read.
	again=yes
	((next = now + pause * (500 + RANDOM % 500), pause *= 2))
	((pause <= PAUSE_MAX)) || pause=$PAUSE_MAX
	return 1
}

# Whether reporter-send is still at work.
busy() {
	[[ $sender ]] && kill -0 "$sender" 2>/dev/null
}

trap 'exec </dev/null' TERM INT # is an end as well
clock
each=$(printf '%.0f' "${interval}e3")
next=$((now + RANDOM * each / 32768)) last=$now
while :; do
	clock
	if busy; then
		due=$((now + 100))
	elif ! settled; then
		continue
	else
		due=$next
		[[ $urgent && ! $again ]] && ((last + URGENT * 1000 < due)) &&
			due=$((last + URGENT * 1000))
	fi
	if ((due > now)); then
		printf -v wait '%d.%03d' $(((due - now) / 1000)) $(((due - now) % 1000))
		if IFS= read -r -t "$wait" text; then
			count "$part$text"
			part=''
		elif (($? > 128)); then
			part+=$text # the time was over in the middle of a line
		else
			break # the end
		fi
	else
		report
		((last = now, next = now + each))
	fi
done

# At the end, report the rest within 5 seconds.
end=$((now + 5000))
while :; do
	if ! busy; then
		settled || sleep 1
		report
		[[ $sender ]] || exit 0
	fi
	clock
	((now < end)) || exit 1
	sleep 0.05
done
