# SPDX-License-Identifier: GPL-2.0
"""Small faults in C source: which there are in a file, and its text with one of them."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import tree_sitter_c
from tree_sitter import Language, Node, Parser

_SWAPS = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "%": "/",
    "&&": "||",
    "||": "&&",
    "&": "|",
    "|": "&",
    "^": "&",
    "<<": ">>",
    ">>": "<<",
    "+=": "-=",
    "-=": "+=",
    "*=": "/=",
    "/=": "*=",
    "%=": "/=",
    "|=": "&=",
    "&=": "|=",
    "^=": "|=",
    "<<=": ">>=",
    ">>=": "<<=",
    "++": "--",
    "--": "++",
}
_SWAPPED = {"binary_expression", "assignment_expression", "update_expression"}
_CONDITIONAL = {
    "if_statement",
    "while_statement",
    "do_statement",
    "for_statement",
    "conditional_expression",
}
_JUMPS = {"break_statement", "continue_statement"}
_DROPPED = {"call_expression", "assignment_expression", "update_expression"}
_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*")
#: What leaves no trace in behaviour: tracepoints, assertions, what only hints.
_SILENT = re.compile(
    r"(trace_\w+|\w+_trace(_\w+)?|lockdep_\w+|BUILD_BUG_ON\w*|WARN_ON\w*|static_assert|"
    r"might_sleep\w*|prefetch\w*|pr_\w+|likely_\w+)"
)
_SHOWN = 200


class ParseError(RuntimeError):
    """The source is not C this parser understands, so nothing can be said about its faults."""


@dataclass(frozen=True)
class Mutant:
    """One fault: bytes ``start`` to ``end`` of ``file`` become ``text``.

    ``id`` is made of the file, the function, the source around the fault and the change, so that
    it stays the same when lines move. ``line`` counts from 1.
    """

    id: str
    file: str
    function: str
    line: int
    source: str
    change: str
    start: int
    end: int
    text: str

    def apply(self, source: bytes) -> bytes:
        """The file's text with the fault."""
        return source[: self.start] + self.text.encode() + source[self.end :]


@dataclass(frozen=True)
class _Edit:
    """A replacement of ``node``; ``around`` is what identifies its place."""

    node: Node
    around: Node
    text: str
    change: str


def find(file: str, source: bytes) -> list[Mutant]:
    """All faults of a file, in the order of its lines.

    Raises ParseError when the file cannot be read as C outside its functions. Inside them,
    expressions the parser does not understand (macros that take types) are left alone.
    """
    tree = Parser(Language(tree_sitter_c.language())).parse(source)
    functions = []
    for node in tree.root_node.children:
        if node.type == "ERROR" or node.is_missing:
            raise ParseError(f"{file}:{node.start_point.row + 1}: not understood as C")
        if node.type == "function_definition":
            functions.append(node)
    seen: Counter[tuple[str, str, str]] = Counter()
    return [
        _mutant(file, name, edit, seen)
        for node in functions
        if not _SILENT.fullmatch(name := _function_name(node))
        for body in node.children_by_field_name("body")
        for edit in _edits(body)
    ]


def sample(mutants: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """``count`` of them chosen by ``seed``, in their old order; all when there are not more."""
    if count >= len(mutants):
        return list(mutants)
    chosen = random.Random(seed).sample(range(len(mutants)), count)
    return [mutants[index] for index in sorted(chosen)]


def _mutant(file: str, function: str, edit: _Edit, seen: Counter[tuple[str, str, str]]) -> Mutant:
    source = " ".join(_text(edit.around).split())
    place = (function, source, edit.change)
    seen[place] += 1
    key = "\0".join((file, *place, str(seen[place])))
    return Mutant(
        hashlib.sha256(key.encode()).hexdigest()[:12],
        file,
        function,
        edit.node.start_point.row + 1,
        source[:_SHOWN],
        edit.change,
        edit.node.start_byte,
        edit.node.end_byte,
        edit.text,
    )


def _edits(node: Node) -> Iterator[_Edit]:
    """Faults in a node and below it."""
    if node.type.startswith("preproc_") or node.type in {"comment", "ERROR", "initializer_list"}:
        return
    if node.type == "declaration" and _text(node).startswith("static "):
        return
    if _is_silent_call(node):
        return
    for operator in (_swap, _constant, _truth, _negate, _drop):
        yield from operator(node)
    for child in node.children:
        if not (node.type == "case_statement" and child == node.child_by_field_name("value")):
            yield from _edits(child)


def _swap(node: Node) -> Iterator[_Edit]:
    """Another operator of the same kind."""
    sign = node.child_by_field_name("operator")
    if node.type not in _SWAPPED or node.has_error or sign is None:
        return
    other = _SWAPS.get(sign.type)
    if other:
        yield _Edit(sign, node, other, f"{sign.type} -> {other}")


def _constant(node: Node) -> Iterator[_Edit]:
    """0, one more and one less for each number."""
    text = _text(node)
    if node.type != "number_literal" or not _NUMBER.fullmatch(text):
        return
    around = node.parent or node
    value = int(text.rstrip("uUlL"), 0 if text[:2].lower() == "0x" or text == "0" else 10)
    others = {0: ("1",), 1: ("0", "2")}.get(value, ("0", f"({text} + 1)", f"({text} - 1)"))
    for other in others:
        yield _Edit(node, around, other, f"{text} -> {other}")


def _truth(node: Node) -> Iterator[_Edit]:
    """true for false and false for true."""
    if node.type in {"true", "false"} and node.parent:
        other = "false" if node.type == "true" else "true"
        yield _Edit(node, node.parent, other, f"{node.type} -> {other}")


def _negate(node: Node) -> Iterator[_Edit]:
    """The opposite of a condition."""
    condition = node.child_by_field_name("condition")
    if node.type not in _CONDITIONAL or condition is None or condition.has_error:
        return
    if any(_is_silent_call(part) for part in _walk(condition)):
        return
    text = _text(condition)
    bare = node.type in {"for_statement", "conditional_expression"}
    opposite = f"!({text})" if bare else f"(!{text})"
    yield _Edit(condition, condition, opposite, "negated")


def _drop(node: Node) -> Iterator[_Edit]:
    """A call, an assignment or a jump left out."""
    if node.has_error:
        return
    if node.type in _JUMPS:
        yield _Edit(node, node.parent or node, ";", f"{_text(node)} dropped")
    elif (
        node.type == "expression_statement"
        and node.named_children
        and node.named_children[0].type in _DROPPED
        and not _is_silent_call(node.named_children[0])
    ):
        kind = "call" if node.named_children[0].type == "call_expression" else "statement"
        yield _Edit(node, node, ";", f"{kind} dropped")


def _is_silent_call(node: Node) -> bool:
    called = node.child_by_field_name("function") if node.type == "call_expression" else None
    return called is not None and bool(_SILENT.fullmatch(_text(called)))


def _function_name(node: Node) -> str:
    inner: Node | None = node
    while inner is not None and inner.type != "identifier":
        inner = inner.child_by_field_name("declarator")
    return _text(inner) if inner else "?"


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _text(node: Node) -> str:
    return (node.text or b"").decode()
