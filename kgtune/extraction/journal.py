"""What a batch has done so far, kept beside its output: a run that was killed goes on where it was.

Knows nothing about models. A line is written once its text is done, and only whole lines count: a text that was being
worked on is done again, one that is done is not. The journal goes when the output is whole.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgtune import graph as graphs
from kgtune.errors import UserError
from kgtune.extraction.answers import Row
from kgtune.extraction.texts import SourceText

SCHEMA_VERSION = 1


@dataclass
class Journal:
    """Rows by the hash of source and text. `path` is None where nothing is kept: for one text, and for stdout."""

    path: Path | None
    done: dict[str, Row] = field(default_factory=dict)

    def left(self, texts: Sequence[SourceText]) -> list[SourceText]:
        """Return the texts that are still to be done."""
        return [text for text in texts if _key(text) not in self.done]

    def rows(self, texts: Sequence[SourceText], fresh: Iterator[Row]) -> Iterator[Row]:
        """Give every text's row in the order of the texts: those that were done, and the fresh ones, noted."""
        for text in texts:
            row = self.done.get(_key(text))
            if row is None:
                row = next(fresh)
                assert row.source == text.source, (row.source, text.source)
                self._note(text, row)
            yield row

    def _note(self, text: SourceText, row: Row) -> None:
        if self.path is not None:
            _append(self.path, {"key": _key(text), "row": _object(row)})

    def remove(self) -> None:
        """The output is whole: nothing is left to go on with."""
        if self.path is not None:
            self.path.unlink()


def begin(out: str | None, texts: Sequence[SourceText], marks: Mapping[str, str]) -> Journal:
    """Begin a batch's journal, or go on with the one that a killed run left. `marks` must be the same for that."""
    if out is None or len(texts) < 2:
        return Journal(None)
    target = Path(out)
    path = target / ".partial" if target.is_dir() or out.endswith("/") else target.with_name(f"{target.name}.partial")
    head, done, num_bytes = _read(path)
    if head:
        _check(head, marks, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as kept:
        kept.truncate(num_bytes)  # less the line that was being written when the run was killed
    if not head:
        _append(path, {"schema_version": SCHEMA_VERSION, "marks": dict(marks)})
    return Journal(path, done)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Row], int]:
    """Read the head and the rows of a journal up to the first line that is not whole, and where that begins."""
    head: dict[str, Any] = {}
    done: dict[str, Row] = {}
    num_bytes = 0
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
        try:
            value = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            value = None
        if not isinstance(value, dict):
            break
        if not head:
            head = value
        else:
            done[value["key"]] = _row(value["row"])
        num_bytes += len(line)
    return head, done, num_bytes


def _check(head: Mapping[str, Any], marks: Mapping[str, str], path: Path) -> None:
    earlier = head.get("marks", {})
    changed = [name for name in marks if earlier.get(name) != marks[name]]
    if head.get("schema_version") != SCHEMA_VERSION or changed:
        raise UserError(
            f"{path}: was left by a run with another {' and '.join(changed) or 'version'}; going on would mix two "
            "runs. Run that one to its end, or remove the file to begin anew."
        )


def _key(text: SourceText) -> str:
    return hashlib.sha256(f"{text.source}\0{text.text}".encode()).hexdigest()


def _append(path: Path, value: Mapping[str, Any]) -> None:
    line = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(f"{line}\n")


def _object(row: Row) -> dict[str, Any]:
    return {
        "source": row.source,
        "graph": None if row.graph is None else graphs.to_object(row.graph),
        "error": row.error,
        "faults": dict(row.faults),
        "details": row.details,
    }


def _row(value: Mapping[str, Any]) -> Row:
    graph = None if value["graph"] is None else graphs.from_object(value["graph"])[0]
    return Row(value["source"], graph, value["error"], Counter(value["faults"]), value["details"])
