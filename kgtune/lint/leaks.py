"""Near duplicates that the data itself puts into different splits: a test of memory, not of skill.

Knows nothing about how near duplicates are found: grouping says which documents belong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from kgtune.examples import Example, Split
from kgtune.lint.findings import Finding, read_place
from kgtune.sources import RawDocument


def findings(documents: Iterable[RawDocument]) -> Iterator[Finding]:
    """Yield each document whose group stands in an earlier split as well; rows without a split can't leak."""
    preset = [document for document in documents if document.split]
    if len({document.split for document in preset}) < 2:
        return
    from kgtune.splitting import grouping  # numpy, which most checks need not load

    first: dict[str, RawDocument] = {}
    grouped = grouping.with_groups([_example(document) for document in preset])
    for document, example in zip(preset, grouped, strict=True):
        other = first.setdefault(example.group_id, document)
        if other.split != document.split:
            facts = {"split": document.split, "other": other.split, "first": other.where}
            yield Finding("W-SPLIT-LEAK", read_place(document.where).at("split"), document.id, facts=facts)


def _example(document: RawDocument) -> Example:
    split = cast("Split", document.split)
    group = document.group_id or ""
    return Example(document.id, document.doc_id, group, split, document.lang, "", document.text, document.graph)
