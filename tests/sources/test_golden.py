"""Each format has a small file of ours, and beside it what is read from it: as shape (b), with every count.

`KGTUNE_WRITE_GOLDEN=1 pytest tests/sources/test_golden.py` writes the expected files anew; say why in the commit.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from kgtune.sources import FORMATS, RawDocument, RawSet, read_raw
from kgtune.sources.formats import format_of
from kgtune.sources.texts import to_item

GOLDEN = Path(__file__).parent / "golden"
FILES = {
    "texts": "texts.jsonl", "rows": "rows.json", "chunks": "chunks.json", "triples": "triples.csv",
    "doccano": "doccano.jsonl", "labelstudio": "labelstudio.json", "brat": "brat", "stix": "stix.json",
    "misp": "misp.json",
}  # fmt: skip
GIVEN = [pytest.param(name, id=name) for name in FILES]


def read(name: str) -> RawSet:
    return read_raw([GOLDEN / FILES[name]])


def expected_path(name: str) -> Path:
    return GOLDEN / f"{Path(FILES[name]).stem}.expected.json"


def without_places(documents: tuple[RawDocument, ...]) -> list[RawDocument]:
    return [replace(document, where="") for document in documents]


def as_text(raw_set: RawSet) -> str:
    """Write a set as a file of shape (b) that also holds the counts and problems."""
    told = {
        "counts": dict(sorted(raw_set.counts.items())),
        "problems": [f"{p.code} {p.where.replace(str(GOLDEN), 'golden')}: {p.what}" for p in raw_set.problems],
        "data": [to_item(document) for document in raw_set.documents],
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def test_every_format_has_a_golden_file() -> None:
    assert ["auto", *FILES] == list(FORMATS)


@pytest.mark.parametrize("name", GIVEN)
def test_a_golden_file_reads_as_expected(name: str) -> None:
    text = as_text(read(name))
    if os.environ.get("KGTUNE_WRITE_GOLDEN") == "1":
        expected_path(name).write_text(text, encoding="utf-8", newline="\n")
    assert expected_path(name).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", GIVEN)
def test_what_was_read_reads_back_equal_as_shape_b(name: str, tmp_path: Path) -> None:
    raw_set = read(name)
    lines = [json.dumps(to_item(document), ensure_ascii=False) + "\n" for document in raw_set.documents]
    (tmp_path / "items.jsonl").write_text("".join(lines), encoding="utf-8")
    again = read_raw([tmp_path / "items.jsonl"])
    assert len(lines) > 0
    assert (again.problems, again.repairs) == ([], ())
    assert without_places(again.documents) == without_places(raw_set.documents)


@pytest.mark.parametrize("name", GIVEN)
def test_every_record_of_a_golden_file_is_accounted_for(name: str) -> None:
    counts = read(name).counts
    dropped = sum(number for key, number in counts.items() if key.startswith("dropped: "))
    assert counts["read"] == counts["used"] + dropped
    assert counts["used"] > 0
    assert dropped > 0  # each golden file holds something that can't be used


@pytest.mark.parametrize("name", GIVEN)
def test_a_golden_file_is_recognised_and_can_be_named(name: str) -> None:
    path = GOLDEN / FILES[name]
    first = sorted(path.glob("*.ann"))[0] if path.is_dir() else path
    assert format_of(first) == name
    assert as_text(read_raw([path], source_format=name)) == as_text(read(name))
