#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fuzz.sh fuzz|fuzz-merge|fuzz-afl SECONDS [NAME]: build the fuzz targets with
# sanitizers in fuzz/ of the build's directory, and run each for so many seconds,
# as many at once as there are processors.  The last line sums up; the exit
# status is 0 when nothing was found.  An input that ends a target stays in
# fuzz/found.
set -eu

how=$1
seconds=$2
only=${3:-}
source=$(cd "$(dirname "$0")/.." && pwd)
jobs=$(nproc)
make=${MAKE:-make}

need()
{
	command -v "$1" >/dev/null || {
		echo "$1 was not found: install Debian's package $2" >&2
		exit 1
	}
}

case $how in
fuzz | fuzz-merge)
	need clang "clang, and libclang-rt-dev as well"
	cc=clang
	flags='-O1 -g -fsanitize=fuzzer-no-link'
	build=fuzz/libfuzzer
	;;
fuzz-afl)
	need afl-clang-fast afl++
	cc=afl-clang-fast
	flags='-O1 -g'
	build=fuzz/afl
	AFL_QUIET=1
	export AFL_QUIET
	;;
*)
	echo "usage: fuzz.sh fuzz|fuzz-merge|fuzz-afl SECONDS [NAME]" >&2
	exit 2
	;;
esac

# Both compilers bring their own main() at the last link, by the same name.
build_targets()
{
	mkdir -p "$build"
	(
		cd "$build"
		[ -f Makefile ] || "$source/configure" -q CC="$cc" \
			CFLAGS="$flags" --disable-hardening --enable-asan \
			--enable-ubsan
		$make -s -j"$jobs" FUZZ_MAIN= \
			FUZZ_ENGINE=-fsanitize=fuzzer fuzz-programs
	) >"$build.log" 2>&1 || {
		tail -n 40 "$build.log" >&2
		echo "the targets cannot be built; see $build.log" >&2
		exit 1
	}
	targets=$($make -s -C "$build" --no-print-directory fuzz-list)
}

# The longest input worth trying: a longer one says nothing new.
longest()
{
	case $1 in
	native | frame) echo 4096 ;;
	*) echo 2048 ;;
	esac
}

# What sanitizers find ends the target, so that the fuzzer keeps the input.
ASAN_OPTIONS=abort_on_error=1
UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1
export ASAN_OPTIONS UBSAN_OPTIONS

# What a target says goes to fuzz/NAME.log.
run_libfuzzer()
{
	mkdir -p "fuzz/corpus/$1"
	"$build/t/fuzz_$1" -max_total_time="$seconds" -timeout=10 \
		-rss_limit_mb=2048 -max_len="$(longest "$1")" \
		-print_final_stats=1 -artifact_prefix="fuzz/found/$1-" \
		"fuzz/corpus/$1" "$source/t/corpus/$1" >"fuzz/$1.log" 2>&1
}

run_afl()
{
	rm -rf "fuzz/afl-$1"
	AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 \
		AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
		ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0 \
		UBSAN_OPTIONS=abort_on_error=1 \
		afl-fuzz -V "$seconds" -t 5000 -m none -G "$(longest "$1")" \
		-i "$source/t/corpus/$1" -o "fuzz/afl-$1" \
		-- "$build/t/fuzz_$1" >"fuzz/$1.log" 2>&1 || return 1
	afl_found=0
	for input in "fuzz/afl-$1"/default/crashes/id* \
		"fuzz/afl-$1"/default/hangs/id*; do
		[ -f "$input" ] || continue
		cp "$input" "fuzz/found/$1-afl-$(basename "$input" |
			tr -c 'A-Za-z0-9\n' -)"
		afl_found=1
	done
	return "$afl_found"
}

fuzz_one()
{
	status=0
	if [ "$how" = fuzz-afl ]; then
		run_afl "$1" || status=1
	else
		run_libfuzzer "$1" || status=1
	fi
	echo "$status" >"fuzz/$1.status"
}

runs_of()
{
	if [ "$how" = fuzz-afl ]; then
		sed -n 's/^execs_done *: *//p' \
			"fuzz/afl-$1/default/fuzzer_stats" 2>/dev/null
	else
		sed -n 's/^stat::number_of_executed_units: *//p' "fuzz/$1.log"
	fi
}

report_one()
{
	runs=$(runs_of "$1" || echo 0)
	# A fuzzer that tried nothing has shown nothing.
	if [ "$(cat "fuzz/$1.status")" = 0 ] && [ "${runs:-0}" -gt 0 ]; then
		echo "PASS: fuzz $1: $runs inputs tried"
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	tail -n 40 "fuzz/$1.log" >&2
	echo "FAIL: fuzz $1: see $(pwd)/fuzz/$1.log"
	for input in "fuzz/found/$1-"*; do
		[ ! -f "$input" ] || echo "    the input: $(pwd)/$input"
	done
}

# Few files: those that reach code, and not those that reach it more often.
merge_one()
{
	"$build/t/fuzz_$1" -set_cover_merge=1 -use_counters=0 \
		-max_len="$(longest "$1")" \
		"$source/t/corpus/$1" "fuzz/corpus/$1" >>"fuzz/$1.log" 2>&1
}

# What targets left that did not come to their end.
clean_up()
{
	for left in /dev/shm/reporter.fuzz-*; do
		[ -e "$left" ] || continue
		pid=${left#/dev/shm/reporter.fuzz-}
		pid=${pid%%.*}
		kill -0 "$pid" 2>/dev/null || rm -rf "$left"
	done
}

build_targets
mkdir -p fuzz/found
names=''
for target in $targets; do
	name=${target#t/fuzz_}
	[ -n "$only" ] && [ "$only" != "$name" ] || names="$names $name"
done
if [ -z "$names" ]; then
	echo "there is no target $only; there are: $targets" >&2
	exit 2
fi
running=0
for name in $names; do
	rm -f "fuzz/found/$name-"*
	fuzz_one "$name" &
	running=$((running + 1))
	if [ "$running" -ge "$jobs" ]; then
		wait
		running=0
	fi
done
wait
passed=0
failed=0
for name in $names; do
	report_one "$name"
	[ "$how" != fuzz-merge ] || merge_one "$name"
done
clean_up
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
