#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Convert a fuzz corpus between one text file of hex lines and a directory of inputs."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path


def unpack(text: Path, directory: Path) -> int:
    """Write each hex line of ``text`` as one file; return how many there are.

    Empty lines and lines starting with ``#`` are skipped.
    Raises ValueError for a line that is not hex.
    """
    directory.mkdir(parents=True, exist_ok=True)
    count = 0
    for line in text.read_text(encoding="ascii").splitlines():
        if not line or line.startswith("#"):
            continue
        data = bytes.fromhex(line)
        (directory / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        count += 1
    return count


def pack(directory: Path, text: Path) -> int:
    """Append the inputs of ``directory`` that ``text`` lacks, shortest first; return how many."""
    known = {line.strip() for line in text.read_text(encoding="ascii").splitlines()}
    found = {path.read_bytes().hex() for path in directory.iterdir() if path.is_file()}
    new = sorted(found - known - {""}, key=lambda line: (len(line), line))
    with text.open("a", encoding="ascii") as out:
        out.writelines(f"{line}\n" for line in new)
    return len(new)


def main() -> None:
    """Parse the command line and run one conversion."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=("unpack", "pack"))
    parser.add_argument("text", type=Path)
    parser.add_argument("directory", type=Path)
    args = parser.parse_args()
    if args.verb == "unpack":
        print(f"{unpack(args.text, args.directory)} inputs from {args.text.name}")
    else:
        print(f"{pack(args.directory, args.text)} inputs added to {args.text.name}")


if __name__ == "__main__":
    main()
