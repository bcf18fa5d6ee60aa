#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs every static check, goes on after a failure, and ends with the counts.
set -u
cd "$(dirname "$0")/.." || exit

readonly bin=$PWD/build/venv/bin
passed=0
failed=0

check() {
	local name=$1 log
	shift
	log=build/lint/$name.log
	if "$@" >"$log" 2>&1; then
		echo "ok     $name"
		passed=$((passed + 1))
	else
		echo "not ok $name ($log)"
		tail -n 40 "$log"
		failed=$((failed + 1))
	fi
}

python_sources() {
	git ls-files -co --exclude-standard '*.py'
}

run_ruff() {
	local config=tools/tquic-py/pyproject.toml
	# shellcheck disable=SC2046 # no path of the tree has blanks
	"$bin/ruff" check --config $config $(python_sources) &&
		"$bin/ruff" format --config $config --check $(python_sources)
}

run_mypy() {
	(cd tools/tquic-py && "$bin/mypy" && "$bin/mypy" --strict ../../scripts/*.py)
}

run_shellcheck() {
	# shellcheck disable=SC2046
	shellcheck .ci/run $(git ls-files -co --exclude-standard '*.sh')
}

# options_of FILE...: one per line, comments left out
options_of() {
	sed -e '/^#/d' -e '/^$/d' "$@" | tr ' ' '\n'
}

run_checkpatch() {
	local options=() tests=() trace=() source status=0
	mapfile -t options < <(options_of scripts/checkpatch.conf)
	mapfile -t tests < <(options_of scripts/checkpatch.conf scripts/checkpatch-tests.conf)
	mapfile -t trace < <(options_of scripts/checkpatch.conf scripts/checkpatch-trace.conf)
	source=$("$bin/python" -c 'from tquic import kernels; print(kernels.source_tree())') || return
	# shellcheck disable=SC2046
	perl "$source/scripts/checkpatch.pl" --root="$source" "${options[@]}" --no-summary -f \
		$(git ls-files -co --exclude-standard 'net/*.[ch]' 'include/*.[ch]' 'compat/*.[ch]' |
			grep -v -e '^net/tquic/test/' -e '^include/trace/') || status=1
	# shellcheck disable=SC2046
	perl "$source/scripts/checkpatch.pl" --root="$source" "${tests[@]}" --no-summary -f \
		$(git ls-files -co --exclude-standard 'net/tquic/test/*.[ch]') || status=1
	# shellcheck disable=SC2046
	perl "$source/scripts/checkpatch.pl" --root="$source" "${trace[@]}" --no-summary -f \
		$(git ls-files -co --exclude-standard 'include/trace/*.h') || status=1
	return $status
}

# Both tell what is stale, even when the first one finds something.
run_generated() {
	local status=0
	"$bin/tquic" codegen --check || status=1
	scripts/ynl.sh --check || status=1
	return $status
}

run_sparse() {
	"$bin/tquic" vm module --kernel debug --sparse
}

mkdir -p build/lint
check ruff run_ruff
check mypy run_mypy
check shellcheck run_shellcheck
check layers "$bin/python" scripts/layers.py
check tree "$bin/python" scripts/tree.py
check generated run_generated
check checkpatch run_checkpatch
check sparse run_sparse
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
