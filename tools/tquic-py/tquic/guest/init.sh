#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# First process on the host's read-only root: put a copy-on-write layer over it, make it the root,
# run the guest's task there and reset the machine, which ends QEMU.
# Starting a program costs most of a second on the debug kernel: keep their number low.
# Arguments: results directory, directory of the kernel's modules ("-" for none), task script
set -u
results=$1 modules=$2 task=$3
here=${BASH_SOURCE[0]%/*}
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

reset_machine() {
	[ -e /proc/sysrq-trigger ] || mount -t proc proc /proc
	echo b >/proc/sysrq-trigger
}

enter_layer() {
	local root=/run/root
	mount -t tmpfs tmpfs /run
	mkdir /run/upper /run/work $root
	mount -t overlay -o lowerdir=/,upperdir=/run/upper,workdir=/run/work overlay $root
	mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 results "$root$results"
	cd $root && pivot_root . mnt
}

link_modules() {
	local release
	read -r release </proc/sys/kernel/osrelease
	mkdir -p /lib/modules
	ln -sfn "$modules" "/lib/modules/$release"
}

trap reset_machine EXIT
enter_layer || exit
mount -a -T "$here/fstab"
[ "$modules" = - ] || link_modules
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
echo tquic-vm >/proc/sys/kernel/hostname
ip link set lo up
# shellcheck source=/dev/null
. "$task"
