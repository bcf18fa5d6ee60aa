#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Generates the C of the netlink family from its spec with the kernel's own generator.
#
#   scripts/ynl.sh          writes the files that changed
#   scripts/ynl.sh --check  tells, without writing, whether they are as the spec says
set -euo pipefail
cd "$(dirname "$0")/.."

readonly python=$PWD/build/venv/bin/python
readonly spec=Documentation/netlink/specs/tquic.yaml
readonly outputs=(
	"uapi header include/uapi/linux/tquic_netlink.h"
	"kernel header net/tquic/tquic-nl-gen.h"
	"kernel source net/tquic/tquic-nl-gen.c"
)

die() {
	echo "ynl: $*" >&2
	exit 2
}

# A tree as the generator wants it: MAINTAINERS marks its top, the schema is above the spec.
# Linux 6.12's schema does not know uns-admin-perm for genetlink yet; later ones do.
prepare() {
	mkdir -p "$stage/$(dirname $spec)"
	touch "$stage/MAINTAINERS"
	cp $spec "$stage/$spec"
	sed 's/enum: \[ admin-perm \]/enum: [ admin-perm, uns-admin-perm ]/' \
		"$source/Documentation/netlink/genetlink.yaml" \
		>"$stage/Documentation/netlink/genetlink.yaml"
}

generate() {
	"$python" "$source/tools/net/ynl/ynl-gen-c.py" --mode "$1" "--$2" \
		--spec "$stage/$spec" -o "$stage/$(basename "$3")"
}

check=
case "${1-}" in
--check) check=yes ;;
"") ;;
*) die "usage: scripts/ynl.sh [--check]" ;;
esac

source=$("$python" -c 'from tquic import kernels; print(kernels.source_tree())') ||
	die "no kernel source: run \`make setup\`"
"$python" -c 'import jsonschema' 2>/dev/null || die "no jsonschema: run \`make setup\`"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

prepare
stale=0
for output in "${outputs[@]}"; do
	read -r mode kind file <<<"$output"
	generate "$mode" "$kind" "$file"
	cmp -s "$stage/$(basename "$file")" "$file" && continue
	if [ -n "$check" ]; then
		diff -u "$file" "$stage/$(basename "$file")" || true
		stale=1
	else
		cp "$stage/$(basename "$file")" "$file"
		echo "ynl: $file"
	fi
done
[ "$stale" = 0 ] || {
	echo "ynl: not as $spec says: run make gen" >&2
	exit 1
}
