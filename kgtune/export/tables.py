"""Two CSV tables, nodes and relationships, with the headers of neo4j-admin's import, in one ZIP file.

Knows nothing about databases. The same graph gives the same bytes: the archive holds no time.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Sequence

from kgtune import graph as graphs
from kgtune.export.records import Content, Exported

NODES = ("id:ID", "name", "description", ":LABEL")
RELATIONSHIPS = (":START_ID", ":END_ID", ":TYPE", "confidence:double", "evidence")
# What a spreadsheet would run as a formula when the file is opened there.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP file can hold


def write(content: Content) -> Exported:
    """Write nodes.csv and relationships.csv; the ids are slugs, so that the tables of two documents can be joined."""
    graph, findings = graphs.with_ids(content.graph, "slug"), Counter[str]()
    nodes = [(one.id, one.name, one.description, one.labels) for one in graph.entities]
    edges = [
        (one.source, one.target, one.type, repr(float(one.confidence)), one.evidence) for one in graph.relationships
    ]
    files = {"nodes.csv": _table(NODES, nodes, findings), "relationships.csv": _table(RELATIONSHIPS, edges, findings)}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return Exported(packed.getvalue(), findings)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], findings: Counter[str]) -> bytes:
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL)
    table.writerow(header)
    table.writerows([_harmless(value, findings) for value in row] for row in rows)
    return written.getvalue().encode("utf-8")


def _harmless(value: str, findings: Counter[str]) -> str:
    """Put an apostrophe before what a spreadsheet would run, and write NUL, which no reader takes, as U+FFFD."""
    if "\x00" in value:
        findings["control character replaced by U+FFFD"] += value.count("\x00")
        value = value.replace("\x00", "\ufffd")
    if not value.startswith(_FORMULA):
        return value
    findings["apostrophe put before what a spreadsheet would run"] += 1
    return f"'{value}"
