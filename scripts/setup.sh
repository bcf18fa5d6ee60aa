#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Prepares a bare Debian 12 or 13 (as root) to build and test TQUIC. Safe to run again: what is
# there already is left alone, and a complete machine is done in a few seconds.
#
#   scripts/setup.sh [--no-kernels]
#
# Installs Debian packages; makes build/venv with the Python tools; fetches Debian's 6.12 kernel
# and the source of iproute2, and builds the debug kernel, into ${XDG_CACHE_HOME:-~/.cache}/tquic.
# No kernel is installed on the machine itself.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=build/venv
readonly backports=/etc/apt/sources.list.d/tquic-backports.sources
export DEBIAN_FRONTEND=noninteractive

packages=(
	bc bison build-essential busybox-static ca-certificates caddy clang cpio dpkg-dev dwarves
	ethtool flex git iproute2 iputils-ping kmod libelf-dev libffi-dev libssl-dev
	linux-source-6.12 nftables patch procps python3 python3-bpfcc python3-dev python3-venv
	rsync shellcheck sparse tshark xz-utils
)
# Debian 12's QEMU 7.2 works, but emulates AES several times slower than the 10.0 of backports;
# its libbpf 1.1 knows no struct_ops types of modules, 1.4 does; its ngtcp2 0.12 knows no QUIC v2
# negotiation. ngtcp2, caddy and tshark are for `make interop`.
newer=(libbpf-dev ngtcp2-client ngtcp2-server qemu-system-x86)

say() {
	echo "setup: $*"
}

die() {
	echo "setup: $*" >&2
	exit 1
}

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_packages() {
	local name
	for name in "${packages[@]}" "${newer[@]}"; do
		is_installed "$name" || echo "$name"
	done
}

check_machine() {
	[ -r /etc/os-release ] || die "this script knows Debian 12 and 13 only"
	# shellcheck source=/dev/null
	. /etc/os-release
	case "${ID:-}:${VERSION_ID:-}" in
	debian:12 | debian:13) ;;
	*) die "this is ${PRETTY_NAME:-unknown}; the script knows Debian 12 and 13 only" ;;
	esac
	[ "$(dpkg --print-architecture)" = amd64 ] || die "an amd64 machine is needed"
}

add_backports() {
	[ "$VERSION_ID" = 12 ] || return 0
	[[ $(apt-cache policy) != *bookworm-backports* ]] || return 0
	local mirror
	# shellcheck disable=SC2016 # apt expands it
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		'Codename: bookworm' | head -n 1)
	say "adding bookworm-backports for ${newer[*]} ($backports)"
	cat >"$backports" <<-EOF
		Types: deb
		URIs: ${mirror:-http://deb.debian.org/debian}
		Suites: bookworm-backports
		Components: main
		Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
	EOF
	if ! apt-get -q update; then
		say "bookworm-backports cannot be reached: going on with Debian 12's own ${newer[*]}"
		rm -f "$backports"
		apt-get -q update
	fi
}

# The library that cffi opens at run time has another package name in each release.
add_gnutls() {
	if [ "$VERSION_ID" = 12 ]; then
		packages+=(libgnutls30)
	else
		packages+=(libgnutls30t64)
	fi
}

# The sanitizer and fuzzer runtimes come in a package named after clang's version.
add_clang_runtime() {
	local version
	version=$(apt-cache depends clang | sed -n 's/^ *Depends: clang-\([0-9]*\)$/\1/p')
	[ -z "$version" ] || packages+=("libclang-rt-$version-dev")
}

# Some packages bring a daemon, which would be started at once and is not wanted here.
mask_daemons() {
	local -A units=([ngtcp2-server]=ngtcp2d [caddy]=caddy)
	local name unit
	for name in "$@"; do
		unit=/etc/systemd/system/${units[$name]:-}.service
		if [ -n "${units[$name]:-}" ] && [ ! -e "$unit" ]; then
			mkdir -p "${unit%/*}"
			ln -s /dev/null "$unit"
		fi
	done
}

install_packages() {
	local wanted=() name
	add_gnutls
	add_clang_runtime
	mapfile -t wanted < <(missing_packages)
	[ ${#wanted[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "not root, and these packages are missing: ${wanted[*]}"
	say "installing ${wanted[*]}"
	apt-get -q update || die "apt-get update failed: check the network and /etc/apt"
	add_backports
	for name in "${wanted[@]}"; do
		apt-cache show "$name" >/dev/null 2>&1 ||
			die "no package $name: enable bookworm-security or trixie main in /etc/apt"
	done
	mask_daemons "${wanted[@]}"
	for name in "${newer[@]}"; do
		if ! is_installed "$name" && [[ $(apt-cache policy "$name") == *bookworm-backports* ]]; then
			apt-get -q install -y --no-install-recommends -t bookworm-backports "$name"
		fi
	done
	apt-get -q install -y --no-install-recommends "${wanted[@]}"
}

make_venv() {
	local stamp=$venv/.stamp sum
	sum=$(sha256sum tools/tquic-py/pyproject.toml)
	if [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ]; then
		return 0
	fi
	say "making $venv"
	[ -x $venv/bin/python ] || /usr/bin/python3 -m venv $venv
	$venv/bin/python -m pip -q install --disable-pip-version-check -e 'tools/tquic-py[test]' ||
		die "pip failed: is PyPI reachable?"
	echo "$sum" >"$stamp"
}

main() {
	check_machine
	install_packages
	make_venv
	[ "${1:-}" = --no-kernels ] || $venv/bin/tquic vm prepare
	say "ready"
}

main "$@"
