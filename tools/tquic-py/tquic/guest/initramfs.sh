#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# First process on the stock kernel: load the drivers of the host's file system and go there.
# The busybox of the initramfs runs it; the kernel passes what follows `--` as arguments.
mount -t proc proc /proc
while read -r name; do
	insmod "/modules/$name"
done </modules/order
mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=512000 hostroot /newroot
umount /proc
exec switch_root /newroot "$@"
