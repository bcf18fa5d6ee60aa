#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest's task: one command, then everything the host wants to know about it.
# Arguments: results directory, working directory, module to load ("" for none), command...
set -u
results=$1 workdir=$2 module=$3
shift 3

load_module() {
	local needs
	needs=$(modinfo -F depends "$1" | tr , ' ')
	# shellcheck disable=SC2086 # a list of module names
	[ -z "$needs" ] || modprobe -a $needs || return
	insmod "$1"
}

# kmemleak names an object only when two scans see it unreferenced and it is older than 5 s.
scan_for_leaks() {
	local leaks=/sys/kernel/debug/kmemleak
	[ -w "$leaks" ] || return 0
	sleep 6
	echo scan >"$leaks"
	sleep 1
	echo scan >"$leaks"
	cat "$leaks" >"$results/kmemleak.txt"
}

run_command() {
	cd "$workdir" || return 125
	if [ -n "$module" ]; then
		load_module "$module" || return 125
	fi
	"$@"
}

uptime_s() {
	cut -d' ' -f1 /proc/uptime
}

uptime_s >"$results/boot_s"
echo 'tquic-vm: command starts' >/dev/kmsg
run_command "$@" >"$results/stdout" 2>"$results/stderr" </dev/null
code=$?
uptime_s >"$results/end_s"
echo "tquic-vm: command ended with $code" >/dev/kmsg
scan_for_leaks
dmesg >"$results/dmesg.txt"
echo "$code" >"$results/exit"
