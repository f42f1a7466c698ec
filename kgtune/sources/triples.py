"""Tables of triples, CSV or TSV: one relationship a row, with the text that it was read in.

Knows nothing about encodings. The rows of one text (and document id) are one document; a text may stand in the
first row of its document only.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from kgtune import grounding
from kgtune.errors import Problem
from kgtune.grounding import match_key
from kgtune.sources import assembly, fields
from kgtune.sources.columns import REQUIRED, TABLE, columns_of, delimiter_of
from kgtune.sources.decoding import pieces
from kgtune.sources.findings import Findings, RawDocument, UnreadableError
from kgtune.sources.head import Head
from kgtune.sources.reader import Options
from kgtune.sources.texts import identity_of

# A cell may hold a whole report; the csv module refuses more than 131,072 characters unless told otherwise.
_MOST_CELL_CHARACTERS = 1 << 24
_PLAIN_CONFIDENCE = re.compile(r"0?\.[0-9]+|0|0\.0*|1|1\.0*")
_EXCELS_DELIMITER = re.compile(r"sep=(.)", re.IGNORECASE)


@dataclass(slots=True)
class _Group:
    """The rows of one text."""

    doc_id: str
    text: str
    where: str
    rows: list[tuple[str, dict[str, str]]] = field(default_factory=list)


def recognises(head: Head) -> bool:
    """Tell a table by its file's ending, or by a header that names both ends and the relation."""
    if head.suffix in (".csv", ".tsv", ".tab"):
        return True
    first_line = head.text.lstrip("\n").partition("\n")[0]
    if not first_line or head.looks_like_json:
        return False
    header = next(csv.reader([first_line], delimiter=delimiter_of(first_line, head.suffix, {})), [])
    return {"head", "relation", "tail"} <= columns_of(header, {}).keys()


def documents(path: Path, options: Options, findings: Findings) -> Iterator[RawDocument]:
    """Read the table and yield a document for each of its texts."""
    groups: dict[tuple[str, str], _Group] = {}
    last_text_of: dict[str, str] = {}
    for where, row in _rows(path, options.columns, findings):
        findings.note("rows read")
        text = row.get("text") or last_text_of.get(row.get("doc_id", ""), "")
        if not text.strip():
            findings.counts["read"] += 1
            findings.problem("E-EMPTY-VALUE", where, 'column "text" is empty.',
                             "Give each row its text, or the first row of each doc_id.")  # fmt: skip
            findings.dropped("E-EMPTY-VALUE")
            continue
        doc_id = row.get("doc_id", "").strip()
        if doc_id:
            last_text_of[doc_id] = text
        groups.setdefault((doc_id, text), _Group(doc_id, text, where)).rows.append((where, row))
    num_texts: dict[str, int] = {}
    for group in groups.values():
        findings.counts["read"] += 1
        num_texts[group.doc_id] = num_texts.get(group.doc_id, 0) + 1
        document = _document(path, group, num_texts[group.doc_id], options.default_confidence, findings)
        if document is not None:
            yield document


def _rows(path: Path, given: Mapping[str, str], findings: Findings) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each row with its place, as our column name -> value."""
    csv.field_size_limit(_MOST_CELL_CHARACTERS)
    lines = _lines(pieces(path, findings))
    num_blank, first_line = next(((n, line) for n, line in enumerate(lines) if line.strip()), (0, ""))
    if not first_line:
        raise UnreadableError(
            Problem("E-EMPTY-FILE", str(path), "is empty.", "Write triples into it, or give another.")
        )
    if stated := _EXCELS_DELIMITER.fullmatch(first_line.strip("\ufeff\n")):
        num_blank, first_line = num_blank + 1, next(lines, "")
    delimiter = stated[1] if stated else delimiter_of(first_line, path.suffix.lower(), given)
    table = csv.reader(chain([first_line], lines), delimiter=delimiter, strict=True)
    last_line = num_blank
    try:
        header = next(table)
        columns = _checked_columns(path, header, given, findings)
        last_line = num_blank + table.line_num
        for cells in table:
            where = f"{path}:{last_line + 1}"
            last_line = num_blank + table.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                findings.counts["read"] += 1
                what = f"has {len(cells)} cells, and the header has {len(header)}."
                findings.problem("E-CELLS", where, what, f'Put cells that hold a "{delimiter}" into double quotes.')
                findings.dropped("E-CELLS")
                continue
            yield where, {column: fields.clean(cells[index]).strip() for column, index in columns.items()}
    except csv.Error as error:
        fix = "Double the quotes inside a quoted cell, and close each."
        raise UnreadableError(Problem("E-CSV", f"{path}:{last_line + 1}", f"is no table: {error}.", fix)) from None


def _checked_columns(path: Path, header: list[str], given: Mapping[str, str], findings: Findings) -> dict[str, int]:
    columns = columns_of(header, given)
    missing = [column for column in REQUIRED if column not in columns]
    if "text" not in columns and "evidence" in columns and not missing:
        findings.note("evidence taken as the text: there is no text column")
        columns["text"] = columns["evidence"]
    if "text" not in columns:
        missing.append("text")
    if missing:
        raise UnreadableError(_without_columns(path, header, columns, missing, given))
    for index, name in enumerate(header):
        if index not in columns.values():
            findings.note(f"column ignored: {name}")
    return columns


def _without_columns(
    path: Path, header: list[str], columns: Mapping[str, int], missing: list[str], given: Mapping[str, str]
) -> Problem:
    shown = ", ".join(f'"{name}"' for name in header)
    wrong = [f' data.columns.{column} is "{name}", which is none of them.'
             for column, name in given.items() if column not in columns]  # fmt: skip
    if not {"head", "relation", "tail"} & columns.keys():
        what = f"is a table without triples. Its columns: {shown}." + "".join(wrong)
        return Problem("E-FORMAT", f"{path}:1", what, f"Give {TABLE}; other names of columns go into data.columns.")
    what = f"has no column for {', '.join(missing)}. Its columns: {shown}." + "".join(wrong)
    fix = f"Add {'it' if len(missing) == 1 else 'them'}, or name yours: data.columns.{missing[0]}=NAME."
    return Problem("E-COLUMN", f"{path}:1", what, fix)


def _document(
    path: Path, group: _Group, number: int, default_confidence: float, findings: Findings
) -> RawDocument | None:
    before = len(findings.problems)
    entities: dict[tuple[str, str], tuple[str, dict[str, str]]] = {}
    edges: list[tuple[str, dict[str, object]]] = []
    for where, row in group.rows:
        ends = [_end(where, row, end, entities, findings) for end in ("head", "tail")]
        if row["relation"] and all(ends):
            edge: dict[str, object] = {"type": row["relation"], "source": ends[0], "target": ends[1]}
            edge |= {key: row[key] for key in ("evidence",) if key in row}
            edges.append((where, edge | ({"confidence": _number(row["confidence"])} if "confidence" in row else {})))
        elif row["relation"] or row["tail"]:
            _report_gaps(where, row, findings)
    if not entities and len(findings.problems) == before:
        findings.dropped("text without a triple: it may not have been annotated")
        return None
    read = assembly.graph(list(entities.values()), edges, default_confidence, findings)
    doc_id = group.doc_id or identity_of(path, group.text)
    identity = doc_id if number == 1 or not group.doc_id else f"{doc_id}#{number}"
    where = f"{group.where} (id={identity})"
    document = RawDocument(identity, doc_id, group.text, read.graph, grounding.language_of(group.text), where=where)
    if len(findings.problems) == before:
        return document
    findings.dropped(findings.problems[before].code)
    findings.partial(document, read.entity_places, read.edge_places)
    return None


def _end(
    where: str, row: Mapping[str, str], end: str, entities: dict[tuple[str, str], tuple[str, dict[str, str]]],
    findings: Findings,
) -> str:  # fmt: skip
    """Return the id of the row's head or tail, which is added to the entities; "" when the cell is empty."""
    name, label = row[end], row[f"{end}_type"]
    if not name:
        return ""
    if not label:
        findings.problem("E-LABEL", where, f'column "{end}_type" is empty.', f'Say what "{name}" is.')
        return ""
    entity = {"labels": label, "id": f"e{len(entities) + 1}", "name": name, "description": ""}
    return entities.setdefault((label, match_key(name)), (where, entity))[1]["id"]


def _number(cell: str) -> float | str:
    """Read a plain number from 0 to 1 as the number that it is: a table can't write it in another way."""
    return float(cell) if _PLAIN_CONFIDENCE.fullmatch(cell) else cell


def _report_gaps(where: str, row: Mapping[str, str], findings: Findings) -> None:
    empty = [column for column in ("head", "relation", "tail") if not row[column]]
    for column in empty:
        findings.problem("E-EMPTY-VALUE", where, f'column "{column}" is empty.', "Fill it in, or remove the row.")


def _lines(parts: Iterable[str]) -> Iterator[str]:
    """Cut pieces of text into lines that keep their end."""
    rest = ""
    for part in parts:
        *lines, rest = (rest + part).split("\n")
        for line in lines:
            yield line + "\n"
    if rest:
        yield rest
