"""The formats there are, and which one a file has: found out by looking, in a fixed order.

Knows nothing about what a format looks like: each reader and each refusal says that itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

from kgtune.errors import Problem
from kgtune.sources import brat, chunks, doccano, labelstudio, misp, rows, stix, texts, triples
from kgtune.sources.decoding import nearest_file
from kgtune.sources.findings import Findings, RawDocument, UnreadableError
from kgtune.sources.head import Head, look
from kgtune.sources.reader import Options
from kgtune.sources.refusals import plain_text, refusal_of, unknown_json

Format = Literal["auto", "texts", "rows", "chunks", "triples", "doccano", "labelstudio", "brat", "stix", "misp"]
FORMATS: tuple[Format, ...] = (
    "auto", "texts", "rows", "chunks", "triples", "doccano", "labelstudio", "brat", "stix", "misp",
)  # fmt: skip


class Reader(Protocol):
    """What each module of a format has."""

    def recognises(self, head: Head) -> bool:
        """Say whether the start of a file is of this format."""
        ...

    def documents(self, path: Path, options: Options, findings: Findings) -> Iterator[RawDocument]:
        """Yield a file's documents, each record counted as read, and as dropped where it gives none."""
        ...


READERS: dict[str, Reader] = {
    "texts": texts, "rows": rows, "chunks": chunks, "triples": triples, "doccano": doccano,
    "labelstudio": labelstudio, "brat": brat, "stix": stix, "misp": misp,
}  # fmt: skip
# What has marks of its own is looked at first; then what is refused; shapes that share keys with those come last.
_FIRST = ("brat", "stix", "misp", "labelstudio", "doccano")
_LAST = ("triples", "chunks", "rows", "texts")
_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")


def format_of(path: Path) -> str:
    """Return the format of a file; raise UnreadableError when no reader takes it, with the way to one that does."""
    if not path.is_file():
        raise UnreadableError(Problem("E-NO-FILE", str(path), "does not exist.", nearest_file(path)))
    head = look(path)
    if found := _recognised(head, _FIRST):
        return found
    if refusal := refusal_of(head):
        raise UnreadableError(refusal.problem(head))
    if found := _recognised(head, _LAST):
        return found
    if head.looks_like_json and any(head.items):
        raise UnreadableError(unknown_json(head))
    if head.looks_like_json or head.suffix in _JSON_SUFFIXES or b"\0" in head.raw or not head.text.strip():
        return "texts"  # whose reader says what is wrong with the file
    raise UnreadableError(plain_text(head))


def _recognised(head: Head, names: tuple[str, ...]) -> str:
    return next((name for name in names if READERS[name].recognises(head)), "")
