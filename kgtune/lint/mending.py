"""What can be mended without losing anything: planned as edits of the file's own text, and applied to a copy.

Knows nothing about what only a person can decide. All that is not mended stays as it is, byte for byte; mending what
was mended finds nothing.
"""

from __future__ import annotations

import codecs
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgtune.errors import UserError
from kgtune.lint import json_text, rawvalues
from kgtune.lint.files import SourceText, read_source
from kgtune.lint.findings import Finding, Place
from kgtune.lint.json_text import Item, Node
from kgtune.lint.rawvalues import OUTPUT, Change
from kgtune.ontology import Ontology, Seen
from kgtune.runs import write_text_atomic
from kgtune.sources.reader import mended_copy

CODES = ("F-ENCODING", "F-NEWLINE", "F-COMMA", *rawvalues.CODES)


@dataclass(frozen=True, slots=True)
class Edit:
    """text[start:end] becomes `new`. It mends one or more findings at one place."""

    start: int
    end: int
    new: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Mending:
    """What can be mended in a file: its edits in order, and what they are for."""

    source: SourceText
    edits: tuple[Edit, ...]
    findings: tuple[Finding, ...]

    @property
    def text(self) -> str:
        """The file's text with all edits made."""
        return applied(self.source.text, self.edits)


def is_json(path: Path) -> bool:
    """Tell by its beginning a file that may be JSON."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return head.lstrip(codecs.BOM_UTF8 + codecs.BOM_UTF16_LE + codecs.BOM_UTF16_BE + b"\0 \t\r\n")[:1] in (b"[", b"{")


def mending(path: Path, ontology: Ontology) -> Mending | None:
    """Plan the mending of a JSON file; None when it is none, or is broken beyond its trailing commas."""
    source = read_source(path) if is_json(path) else None
    if source is None:
        return None
    commas = _comma_edits(source)
    try:
        edits = list(_value_edits(_without(source, commas), ontology))
    except (ValueError, RecursionError):
        return None
    outside = _outside(commas, edits)
    findings = [*_file_findings(source), *(finding for edit in (*commas, *edits) for finding in edit.findings)]
    return Mending(source, tuple(sorted((*outside, *edits), key=lambda edit: edit.start)), tuple(findings))


def _outside(commas: Sequence[Edit], edits: Sequence[Edit]) -> list[Edit]:
    """Leave out the commas inside a value that is rewritten as a whole."""
    ordered = sorted(edits, key=lambda edit: edit.start)
    starts = [edit.start for edit in ordered]
    before = [bisect_right(starts, comma.start) - 1 for comma in commas]
    return [c for c, index in zip(commas, before, strict=True) if index < 0 or ordered[index].end <= c.start]


def applied(text: str, edits: Iterable[Edit]) -> str:
    """Make edits that stand in order and do not overlap."""
    parts: list[str] = []
    at = 0
    for edit in edits:
        parts += [text[at : edit.start], edit.new]
        at = edit.end
    return "".join([*parts, text[at:]])


def seen_in(paths: Iterable[Path]) -> Seen:
    """Count the labels and types that files hold, whether or not their graphs can be used."""
    seen = Seen()
    for path in paths:
        source = read_source(path)
        if source is None:
            continue
        try:
            for item in json_text.items(_without(source, _comma_edits(source)).text):
                rawvalues.count_names(item.value, item.path, seen)
        except (ValueError, RecursionError):
            continue
    return seen


def write(planned: Mending) -> tuple[Path, Path]:
    """Write ``raw.fixed.json`` and ``raw.fixed.diff`` beside the file; the file itself is never touched."""
    path = planned.source.path
    target = mended_copy(path)
    difference = path.with_name(f"{path.stem}.fixed.diff")
    if path in (target, difference):
        raise UserError(f"{path}: can't be written over itself. Give it another name.")
    write_text_atomic(target, planned.text)
    write_text_atomic(difference, diff(planned, target.name))
    return target, difference


def diff(planned: Mending, name: str) -> str:
    """Write the edits as a unified diff; of an encoding or line ends, which no line shows, a word at the top."""
    text, source = planned.source.text, planned.source
    lines = [f"# {f.place.file}: {f.value}\n" for f in planned.findings if f.code in ("F-ENCODING", "F-NEWLINE")]
    lines += [f"--- {source.path.name}\n", f"+++ {name}\n"]
    shift = 0
    for block in _blocks(source, planned.edits):
        first, last = source.line_of(block[0].start), source.line_of(block[-1].end)
        start, end = source.start_of(first), source.start_of(last) + len(source.line(last))
        moved = [Edit(edit.start - start, edit.end - start, edit.new) for edit in block]
        old, new = text[start:end].split("\n"), applied(text[start:end], moved).split("\n")
        lines.append(f"@@ -{first},{len(old)} +{first + shift},{len(new)} @@\n")
        lines += [*(f"-{line}\n" for line in old), *(f"+{line}\n" for line in new)]
        shift += len(new) - len(old)
    return "".join(lines)


def _blocks(source: SourceText, edits: Sequence[Edit]) -> Iterator[list[Edit]]:
    """Group the edits that touch the same or the next line."""
    block: list[Edit] = []
    for edit in edits:
        if block and source.line_of(edit.start) > source.line_of(block[-1].end) + 1:
            yield block
            block = []
        block.append(edit)
    if block:
        yield block


def summary(findings: Iterable[Finding]) -> str:
    """Count what was mended, by code."""
    counts = Counter(finding.code for finding in findings)
    return ", ".join(f"{number} {code}" for code, number in sorted(counts.items())) or "nothing to mend"


def _file_findings(source: SourceText) -> Iterator[Finding]:
    place = Place(str(source.path))
    if source.mark:
        yield Finding("F-ENCODING", place, source.mark, is_fixable=True)
    if source.has_other_line_ends:
        yield Finding("F-NEWLINE", place, "CRLF/CR", is_fixable=True)


def _comma_edits(source: SourceText) -> list[Edit]:
    return [
        Edit(at, at + 1, "", (Finding("F-COMMA", Place(str(source.path), source.line_of(at)), ",", is_fixable=True),))
        for at in json_text.trailing_commas(source.text)
    ]


def _without(source: SourceText, commas: Sequence[Edit]) -> SourceText:
    """Put a space where each comma stood, so that the text can be parsed and every offset stays true."""
    if not commas:
        return source
    blanks = [Edit(comma.start, comma.end, " ") for comma in commas]
    return SourceText(source.path, applied(source.text, blanks), source.mark, source.has_other_line_ends)


def _value_edits(source: SourceText, ontology: Ontology) -> Iterator[Edit]:
    for item in json_text.items(source.text):
        changes = rawvalues.changes(item.value, item.path, ontology)
        if not changes:
            continue
        place = _place(source, item)
        nodes = dict(json_text.parse(source.text, item.start).walk())
        for path, change in changes.items():
            node = nodes[path]
            if path == OUTPUT:
                yield _row_edit(source, item, node, place, ontology)
                continue
            new = json_text.written_as(change.new, source.text[item.start : item.end])
            here = _at(place, source.line_of(node.start), f"{item.path}.{path}" if item.path else path)
            yield Edit(node.start, node.end, new, _findings(here, change))


def _row_edit(source: SourceText, item: Item, node: Node, place: Place, ontology: Ontology) -> Edit:
    """Mend the graph inside a training row: JSON in a string, which is rewritten as a whole."""
    graph = rawvalues.row_graph(node.value) or {}
    nodes = dict(json_text.parse(node.value).walk())
    edits = []
    for path, change in rawvalues.graph_changes(graph, "", str(item.value.get("input") or ""), ontology).items():
        here = nodes[path]
        new = json_text.written_as(change.new, node.value)
        at = _at(place, source.line_of(node.start), f"{OUTPUT}.{path}")
        edits.append(Edit(here.start, here.end, new, _findings(at, change)))
    rewritten = applied(node.value, sorted(edits, key=lambda edit: edit.start))
    new = json_text.written_as(rewritten, source.text[item.start : item.end])
    return Edit(node.start, node.end, new, tuple(finding for edit in edits for finding in edit.findings))


def _findings(place: Place, change: Change) -> tuple[Finding, ...]:
    old, new = rawvalues.shown(change.old), rawvalues.shown(change.new)
    return tuple(Finding(code, place, old, new, is_fixable=True) for code in change.codes)


def _at(place: Place, line: int, path: str) -> Place:
    return Place(place.file, line, place.record, place.id, path)


def _place(source: SourceText, item: Item) -> Place:
    value: Any = item.value
    identity = value.get("id") if isinstance(value, Mapping) and not item.path else None
    known = str(identity) if isinstance(identity, str | int) else ""
    return Place(str(source.path), source.line_of(item.start), 0 if item.path else item.index + 1, known)
