"""Answers on their way to a person or a file: one row per text, and where the rows go.

Knows nothing about models or command lines.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from kgtune import export, runs
from kgtune import graph as graphs
from kgtune.errors import DataError, Problem, UserError
from kgtune.extraction.extractor import Extraction, Extractor
from kgtune.extraction.selection import Wanted, select
from kgtune.extraction.texts import SourceText
from kgtune.graph import Graph
from kgtune.ontology import Ontology
from kgtune.settings import Config

OWN = (None, "json", "jsonl")
"""The formats that are written here; the others are those of export."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one text: a graph, or an error. `faults` counts what was mended, cut or is not in the text."""

    source: str
    graph: Graph | None
    error: str = ""
    faults: Counter[str] = field(default_factory=Counter)
    details: dict[str, Any] | None = None

    @property
    def summary(self) -> str:
        if self.graph is None:
            return self.error
        size = f"{len(self.graph.entities)} entities, {len(self.graph.relationships)} relationships"
        return ", ".join([size, *(f"{count} {name}" for name, count in sorted(self.faults.items()))])

    def to_object(self) -> dict[str, Any]:
        if self.graph is None:
            return {"source": self.source, "graph": None, "error": self.error}
        return {"source": self.source, "graph": self.shown}

    @property
    def shown(self) -> dict[str, Any]:
        """The graph as it is written: with places, where they were asked for."""
        assert self.graph is not None, self.source
        return self.details or graphs.to_object(self.graph)


def extract(
    extractor: Extractor,
    texts: Sequence[SourceText],
    cfg: Config,
    *,
    offsets: bool = False,
    min_confidence: float = 0.0,
) -> Iterator[Row]:
    """Extract batch by batch, so that the first rows are there before the last text is read.

    With `offsets` rows say where everything stands, and of a long text how its windows were merged.
    """
    size = cfg.decoding.batch_size
    ontology = getattr(extractor, "ontology", None)
    wanted = Wanted(
        min_confidence=min_confidence,
        offsets=offsets,
        id_style=cfg.output.id_style,
        ungrounded=cfg.output.ungrounded,
        unanchored=ontology.unanchored if ontology else frozenset(),
    )
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        extractions = extractor.extract([text.text for text in batch])
        for text, extraction in zip(batch, extractions, strict=True):
            yield _row(text, extraction, wanted)


def _row(source: SourceText, extraction: Extraction, wanted: Wanted) -> Row:
    is_cut = extraction.finish_reason == "length"
    if extraction.graph is None:
        fix = "Split the text, or " + ("raise decoding.max_new_tokens." if is_cut else "train on more data.")
        return Row(source.source, None, f"the model's answer is no graph ({extraction.reason}). {fix}")
    shown, selection = select(extraction.graph, source.text, wanted, extraction.merged)
    faults = selection.dropped + selection.withheld
    faults["names_not_in_text"] = selection.ungrounded["name"]
    faults["evidence_not_in_text"] = selection.ungrounded["evidence"]
    if is_cut:
        faults["truncated"] += 1
    if extraction.merged is not None:
        faults.update(extraction.merged.lost)
        faults["conflicts"] += len(extraction.merged.conflicts)
    details: dict[str, Any] | None = None
    if wanted.offsets:
        details = shown | (extraction.merged.to_object() if extraction.merged else {})
        if source.is_converted:
            details["text"] = source.text  # places are of no use without the text that they are in
    return Row(source.source, selection.graph, faults=+faults, details=details)


def report(rows: Sequence[Row]) -> str:
    """Count the rows, and by kind whatever was not as it should be."""
    faults: Counter[str] = sum((row.faults for row in rows), Counter())
    counts = [f"{len(rows)} texts", f"{sum(row.graph is None for row in rows)} without a graph"]
    return ", ".join([*counts, *(f"{count} {name}" for name, count in sorted(faults.items()))])


@dataclass
class Target:
    """Where rows go. A folder and stdout get each row at once, a file is written whole by `close`.

    An export shows the text of its source (`texts`) and where that comes from, and `ontology` says what its labels and
    types mean. What a format had no place for is added to the row's faults.
    """

    path: Path | None
    layout: Literal["object", "lines", "folder"]
    lines: list[str] = field(default_factory=list)
    format: str | None = None
    texts: Mapping[str, SourceText] = field(default_factory=dict)
    ontology: Ontology | None = None

    def write(self, row: Row) -> None:
        if row.graph is not None and row.source in self.texts:
            # of our own formats the lines hold the name of the source, not the title
            own = "json" if self.format in OWN else self.format
            row.faults.update(export.unplaced(self.texts[row.source].document, own or "json"))
        if self.format not in OWN and row.graph is not None:
            self._export(row, row.graph, self.format)
        elif self.format == "raw" and self.layout == "lines":
            pass  # a line without a graph would be none that convert_data.py reads; the row's error is told and counted
        elif self.layout == "folder":
            assert self.path is not None, self
            value = row.to_object() if row.graph is None else row.shown
            runs.write_json_atomic(self.path / _file_name(row.source), value)
        elif self.layout == "object" and row.graph is not None:
            self._line(json.dumps(row.shown, ensure_ascii=False, indent=2))
        else:
            self._line(json.dumps(row.to_object(), ensure_ascii=False, separators=(",", ":")))

    def _export(self, row: Row, graph: Graph, format_: str) -> None:
        source = self.texts[row.source]
        exported = export.render(graph, source.text, format_, _document(source), self.ontology)
        row.faults.update(exported.findings)
        if self.layout == "lines":
            self._line(exported.content.decode("utf-8").removesuffix("\n"))
        elif self.path is None:
            sys.stdout.buffer.write(exported.content)
            sys.stdout.flush()
        else:
            is_folder = self.layout == "folder"
            name = _file_name(row.source).removesuffix(".json") + export.FORMATS[format_].suffix
            runs.write_bytes_atomic(self.path / name if is_folder else self.path, exported.content)

    def _line(self, line: str) -> None:
        self.lines.append(line + "\n")
        if self.path is None:
            sys.stdout.write(self.lines.pop())
            sys.stdout.flush()

    def close(self) -> None:
        if self.path is not None and (self.layout == "lines" or (self.layout == "object" and self.format in OWN)):
            runs.write_text_atomic(self.path, "".join(self.lines))


def target(out: str | None, format_: str | None, sources: Sequence[str]) -> Target:
    """Choose where rows go; refuse, before a model is loaded, what would mix or overwrite graphs."""
    path = None if out is None else Path(out)
    several = len(sources) > 1
    if path and out and (path.is_dir() or out.endswith("/") or (several and not path.suffix)):
        if format_ == "jsonl":
            raise UserError(f"-o {out}: is a folder, and gets one .json each. Leave out --format, or name a file.")
        _refuse_same_names(sources, out)
        return Target(path, "folder", format=format_)
    if format_ not in (None, "jsonl", "raw") and several:
        fix = "Use jsonl, or give a folder with -o FOLDER/." if format_ == "json" else "Give a folder with -o FOLDER/."
        raise UserError(f"--format {format_}: there are {len(sources)} texts. {fix}")
    return Target(path, "lines" if several or format_ in ("jsonl", "raw") else "object", format=format_)


def _document(text: SourceText) -> export.Document:
    """Return where a text comes from; one without a title is called by its file or its line's id."""
    if text.source in ("-", "--text"):
        return text.document
    name = text.source if text.is_id else Path(text.source).name
    return replace(text.document, title=text.document.title or name, id=name)


def _file_name(source: str) -> str:
    return {"-": "stdin.json", "--text": "text.json"}.get(source, f"{Path(source).stem}.json")


def _refuse_same_names(sources: Sequence[str], out: str) -> None:
    owners: dict[str, str] = {}
    problems = []
    for source in sources:
        if (owner := owners.setdefault(_file_name(source), source)) != source:
            what = f"would overwrite the graph of {owner} in {out}."
            problems.append(Problem("E-SAME-NAME", source, what, "Rename one, or write a file with -o FILE.jsonl."))
    if problems:
        raise DataError(problems)
