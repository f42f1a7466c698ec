"""The Example: a text with its canonical graph and where it came from; as rows of training_data.json.

Knows nothing about raw formats' shapes, prompts, tokenizers or augmentation.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from kgtune import graph as graphs
from kgtune import naming
from kgtune.errors import DataError
from kgtune.graph import Graph
from kgtune.ontology import Ontology
from kgtune.runs import write_text_atomic
from kgtune.sources import RawDocument, rows, texts
from kgtune.sources.findings import Findings
from kgtune.sources.reader import read_contents
from kgtune.sources.scanner import FAULT, Record, place

Split = Literal["train", "validation", "test"]
ROW_KEYS = ("input", "output", "id", "doc_id", "group_id", "split", "lang", "aug")


@dataclass(frozen=True, slots=True)
class Example:
    """A text and the graph it should give. `split` is None before the split, `aug` is "" for an original."""

    id: str
    doc_id: str
    group_id: str
    split: Split | None
    lang: str
    aug: str
    text: str
    graph: Graph

    @property
    def answer(self) -> str:
        """The graph as the one text that is trained on."""
        return graphs.dumps(self.graph)


def from_raw(document: RawDocument, *, drop_descriptions: bool) -> Example:
    """Make an example of an annotated document: its graph becomes canonical."""
    graph = graphs.canonical(document.graph, document.text, drop_descriptions=drop_descriptions)
    split = cast("Split | None", document.split)
    return Example(
        document.id, document.doc_id, document.group_id or "", split, document.lang, "", document.text, graph
    )


def respelt(example: Example, ontology: Ontology) -> tuple[Example, Counter[str]]:
    """Write labels and types in the ontology's spelling; the counts say what was renamed to what."""
    graph, counts = naming.normalise(example.graph, ontology)
    if not counts:
        return example, counts
    return replace(example, graph=graphs.canonical(graph, example.text)), counts


def to_row(example: Example) -> dict[str, str]:
    """Write an example as a row of training_data.json; every value is a string, in every row."""
    values = (example.text, example.answer, example.id, example.doc_id, example.group_id, example.split or "",
              example.lang, example.aug)  # fmt: skip
    return dict(zip(ROW_KEYS, values, strict=True))


def row_text(row: Mapping[str, str]) -> str:
    """Write a row as its line of training_data.json."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


def of_row(row: Mapping[str, str]) -> Example:
    """Read a row that `to_row` made, and no other: nothing is checked that a conversion has checked."""
    graph, problems = graphs.from_object(json.loads(row["output"]))
    assert graph is not None, problems
    split = cast("Split | None", row["split"] or None)
    return Example(row["id"], row["doc_id"], row["group_id"], split, row["lang"], row["aug"], row["input"], graph)


_ID = re.compile(r'", "id": ("(?:[^"\\]|\\.)*"), "doc_id": ')


def written_examples(path: Path | str, ids: Collection[str]) -> Iterator[Example]:
    """Yield some rows of a file that `write_examples` or a conversion wrote, line by line and in its order."""
    with Path(path).open(encoding="utf-8") as lines:
        for line in lines:
            # A quote inside a text is escaped, so this stands in a line once.
            found = _ID.search(line)
            if found and json.loads(found[1]) in ids:
                yield of_row(json.loads(line.rstrip(",\n")))


def write_examples(path: Path | str, examples: Iterable[Example]) -> None:
    """Write training_data.json, one row a line, whole or not at all."""
    rows = [row_text(to_row(example)) for example in examples]
    write_text_atomic(path, "[\n" + ",\n".join(rows) + "\n]\n" if rows else "[]\n")


def read_examples(
    path: Path | str, *, default_confidence: float = 0.9, drop_descriptions: bool = False
) -> tuple[Example, ...]:
    """Read rows of {input, output}; raise a DataError with every problem.

    A row that carries `split` comes back as it is written. A bare one gets the canonical graph and no split: see
    preparation. A row without an id gets one, its own even where its text stands again.
    """
    path = Path(path)
    findings = Findings()
    contents = read_contents(path, findings)
    examples: list[Example] = []
    nameless = set()
    for record in contents.records if contents else ():
        example = _from_record(path, record, default_confidence, findings, drop_descriptions=drop_descriptions)
        if example is not None:
            if not texts.has_id(record.value):
                nameless.add(len(examples))
            examples.append(example)
    _check_ids(path, [example for index, example in enumerate(examples) if index not in nameless], findings)
    examples = _told_apart(examples, nameless)
    if contents and not contents.records:
        findings.problem("E-EMPTY-FILE", str(path), "holds no rows.", "Write rows with `python convert_data.py`.")
    if findings.problems:
        raise DataError(findings.problems, summary=f"{path} can't be used: {len(findings.problems)} problems.")
    return tuple(examples)


def _from_record(
    path: Path, record: Record, default_confidence: float, findings: Findings, *, drop_descriptions: bool
) -> Example | None:
    row = record.value
    where = place(path, record, row.get("id") if isinstance(row, dict) else None)
    if not isinstance(row, dict) or "input" not in row or "output" not in row:
        findings.problem("E-ROW", where, "is no row of {input, output}.",
                         "Convert raw graphs with `python convert_data.py` first.")  # fmt: skip
        return None
    document = rows.read_row(path, record, default_confidence, findings)
    if document is None or FAULT in row:
        return None
    example = from_raw(document, drop_descriptions=drop_descriptions)
    aug = str(row.get("aug") or "")
    if not document.split:
        if aug:
            findings.problem("E-LEAK", where, f'is augmented ("{aug}") and carries no split.',
                             "Give it split train, or leave it out: its original is augmented anew.")  # fmt: skip
        return example
    if aug and document.split != "train":
        findings.problem("E-LEAK", where, f'is augmented ("{aug}") and in the {document.split} split.',
                         "Only train rows are augmented: remove it, or convert again.")  # fmt: skip
    return Example(
        example.id, example.doc_id, example.group_id, example.split, document.lang, aug, document.text, document.graph
    )


def _check_ids(path: Path, examples: Sequence[Example], findings: Findings) -> None:
    seen: set[str] = set()
    for example in examples:
        if example.id in seen:
            findings.problem(
                "E-DUPLICATE-RECORD", str(path), f'id "{example.id}" stands twice.', "Give each row its own id."
            )
        seen.add(example.id)


def _told_apart(examples: Sequence[Example], nameless: Collection[int]) -> list[Example]:
    """Number the rows without an id of their own that have one text: their names are made of it.

    They are numbered by what they hold, so that the order of the rows does not count.
    """
    told = list(examples)
    taken = {example.id for index, example in enumerate(examples) if index not in nameless}
    numbers = Counter(examples[index].id for index in nameless)

    def key(index: int) -> tuple[object, ...]:
        example = examples[index]
        return (example.id, *(to_row(example).values() if numbers[example.id] > 1 else ()))

    for index in sorted(nameless, key=key):
        told[index] = replace(told[index], id=graphs.free_id(told[index].id, taken))
        taken.add(told[index].id)
    return told


def of_split(examples: Iterable[Example], split: str) -> tuple[Example, ...]:
    """Return the examples of one split, in their order."""
    return tuple(example for example in examples if example.split == split)


def counts_by(examples: Iterable[Example], key: str) -> dict[str, int]:
    """Count examples by a field such as lang or split, by falling count."""
    counts: dict[str, int] = {}
    for example in examples:
        value: Any = getattr(example, key)
        counts[value] = counts.get(value, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
