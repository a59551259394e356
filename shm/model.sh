#!/bin/sh
# SPDX-License-Identifier: MIT
#
# model.sh FILE - check the Spin model in FILE, then its broken variants.
# Needs spin and a C compiler (CC).  Ends with status 0 when the right model
# has no error and each broken one has.
set -eu

model=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work"
jobs=$(nproc)
checks=0

# check EXPECTED FLAG...: EXPECTED is right or wrong.  A wrong one is found
# soon, so that compiling takes longer than searching.
check()
{
	expected=$1
	shift
	level=-O0
	collapse=
	if [ "$expected" = right ]; then
		level=-O2
		collapse=yes
	fi
	if ! spin -a "$@" "$model" >log 2>&1 ||
	    ! ${CC:-cc} "$level" ${collapse:+-DCOLLAPSE} -DSAFETY \
		-DMEMLIM=4000 -o pan pan.c >>log 2>&1
	then
		cat log >&2
		echo "FAILED: $* cannot be compiled"
		return
	fi
	./pan -m100000 -n >log 2>&1 || :
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' log)
	if ! grep -q 'errors: ' log || grep -q 'max search depth' log ||
	    grep -q 'Search not completed' log && [ "$expected" = right ]; then
		result='not completed'
	elif grep -q 'errors: 0' log; then
		result=right
	else
		result=wrong
	fi
	verdict=ok
	if [ "$result" != "$expected" ]; then
		verdict=FAILED
		cat log >&2
	fi
	reason=$(sed -n 's/^pan:1: \(.\{1,60\}\).*/: \1/p' log)
	echo "$verdict: $* ($states states) $result$reason"
}

# begin EXPECTED FLAG...: check it beside others, as many at once as there are
# processors.
begin()
{
	checks=$((checks + 1))
	mkdir "$checks"
	(cd "$checks" && check "$@" >verdict) &
	if [ $((checks % jobs)) -eq 0 ]; then
		wait
	fi
}

# The two that take longest first and together.
begin right -DRECORDS=3
begin right -DRECORDS=2 -DTIMES=2
begin right -DRECORDS=2 -DSLOTS=2
variants=$(grep -o 'ifn*def BROKEN_[A-Z_]*' "$model" | sed 's/.* //' | sort -u)
for variant in $variants; do
	begin wrong "-D$variant"
done
wait

ok=0
for i in $(seq "$checks"); do
	cat "$i/verdict"
	if grep -q '^ok: ' "$i/verdict"; then
		ok=$((ok + 1))
	fi
done
echo "$ok passed, $((checks - ok)) failed"
[ "$ok" -eq "$checks" ]
