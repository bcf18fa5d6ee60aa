# SPDX-License-Identifier: GPL-2.0
"""Specs as YAML gives them: reading one, and refusing what it may not say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml

__all__ = [
    "SpecError",
    "check_flags",
    "check_form",
    "check_keys",
    "check_list",
    "check_text",
    "check_unique",
    "read_spec",
]


class SpecError(RuntimeError):
    """A spec says what it may not; the text names the file, the entry and what is wrong."""


def read_spec(text: str, origin: str, keys: Iterable[str]) -> dict[str, Any]:
    """The mapping a spec is, with just these keys. Raises SpecError."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SpecError(f"{origin}: {error}") from error
    if not isinstance(data, dict) or set(data) != set(keys):
        raise SpecError(f"{origin}: {' and '.join(keys)} are wanted, and nothing else")
    return data


def check_keys(item: Any, where: str, wanted: Iterable[str], optional: Iterable[str] = ()) -> None:
    """Refuse an entry that lacks a key, or has one that means nothing. Raises SpecError."""
    if not isinstance(item, dict):
        raise SpecError(f"{where}: it is no mapping")
    if missing := set(wanted) - set(item):
        raise SpecError(f"{where}: {', '.join(sorted(missing))} missing")
    if extra := {str(key) for key in item} - set(wanted) - set(optional):
        raise SpecError(f"{where}: {', '.join(sorted(extra))} means nothing here")


def check_text(item: dict[str, Any], where: str, keys: Iterable[str]) -> None:
    """Refuse what is there and no text, or would end a comment. Raises SpecError."""
    for key in keys:
        value = item.get(key, "-")
        if not isinstance(value, str) or not value.strip():
            raise SpecError(f"{where}: {key} is a text")
        if "*/" in value or '"""' in value:
            raise SpecError(f"{where}: {key} would end the comment it is put in")


def check_flags(item: dict[str, Any], where: str, keys: Iterable[str]) -> None:
    """Refuse what is there and neither true nor false. Raises SpecError."""
    for key in keys:
        if not isinstance(item.get(key, True), bool):
            raise SpecError(f"{where}: {key} is true or false")


def check_list(item: dict[str, Any], where: str, key: str) -> None:
    """Refuse what is no list, or has nothing in it. Raises SpecError."""
    if not isinstance(item[key], list) or not item[key]:
        raise SpecError(f"{where}: {key} is a list, and not empty")


def check_unique(names: Iterable[str], where: str, what: str) -> None:
    """Refuse a name that is there twice. Raises SpecError."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SpecError(f"{where}: {what} {name} is there twice")
        seen.add(name)


def check_form(form: re.Pattern[str], name: Any, where: str) -> None:
    """Refuse a name that is not of a form. Raises SpecError."""
    if not isinstance(name, str) or not form.fullmatch(name):
        raise SpecError(f"{where}: {name} is no name: {form.pattern} is wanted")
