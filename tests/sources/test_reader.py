from __future__ import annotations

import json
from pathlib import Path

import pytest

from kgtune.sources import Findings, RawSet, expand, read_raw

ITEM = {
    "id": "r1",
    "text": "Vex uses Latch.",
    "entities": [
        {"labels": "ThreatOrganization", "id": "o", "name": "Vex", "description": ""},
        {"labels": "Tool", "id": "t", "name": "Latch", "description": ""},
    ],
    "relationships": [{"type": "USE", "source": "o", "target": "t", "confidence": 0.9, "evidence": "Vex uses Latch."}],
}
LINE = json.dumps(ITEM, ensure_ascii=False)


def read_bytes(tmp_path: Path, content: bytes, name: str = "raw.json") -> RawSet:
    path = tmp_path / name
    path.write_bytes(content)
    return read_raw([path])


def codes(raw_set: RawSet) -> list[str]:
    return [problem.code for problem in raw_set.problems]


@pytest.mark.parametrize(
    "content",
    [
        f"[{LINE}]".encode(),
        b"\xef\xbb\xbf" + LINE.encode(),
        f"[{LINE}]".encode("utf-16"),
        json.dumps([ITEM], indent=2).replace("\n", "\r\n").encode(),
        json.dumps([ITEM], indent=2).replace("\n", "\r").encode(),
        f"{LINE}\n\n".encode(),
        f'{{"data": [{LINE}], "version": 2}}'.encode(),
        json.dumps(ITEM, indent=1).encode(),
        f"\n  {LINE},\n".encode(),
    ],
    ids=["array", "bom", "utf16", "crlf", "cr", "lines", "wrapped", "one object", "line with comma"],
)
def test_every_way_to_write_one_item_reads_the_same(tmp_path: Path, content: bytes) -> None:
    raw_set = read_bytes(tmp_path, content)
    assert codes(raw_set) == []
    assert [(d.id, d.text, len(d.graph.relationships)) for d in raw_set.documents] == [("r1", "Vex uses Latch.", 1)]


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "E-EMPTY-FILE", "is empty"),
        (b" \n", "E-EMPTY-FILE", "is empty"),
        (b'[{"text": "\xff"}]', "E-ENCODING", "byte 11 (0xFF)"),
        ('[\n\n"组织"]'.encode("gb18030"), "E-ENCODING", "GB18030"),
        (f"[{LINE[:-30]}".encode(), "E-CUT-OFF", "cut off"),
        (f"[{LINE},".encode(), "E-CUT-OFF", "cut off"),
        (f"[{LINE}, tr".encode(), "E-CUT-OFF", "cut off"),
        (b'{"text": 1} }', "E-JSON", "Expecting value"),
        (f"[{LINE},]".encode(), "E-JSON", "trailing comma"),
        (b"hello", "E-JSON", "starts with"),
        (f"[{LINE}] x".encode(), "E-JSON", "Extra data"),
        (b'{"entities": [], "entities": [], "relationships": []}', "E-DUPLICATE-KEY", "twice"),
        (b"[" * 100_000, "E-JSON", "nested too deeply"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    raw_set = read_bytes(tmp_path, content)
    assert raw_set.documents == ()
    assert code in codes(raw_set)
    problem = next(p for p in raw_set.problems if p.code == code)
    assert words in str(problem)
    assert "raw.json" in problem.where


def test_the_line_of_each_record_is_named(tmp_path: Path) -> None:
    bad = LINE.replace('"source": "o"', '"source": "O9"').replace('"r1"', '"r2"')
    raw_set = read_bytes(tmp_path, f"[\n{LINE},\n\n{bad}\n]".encode())
    assert [problem.where for problem in raw_set.problems] == [
        f"{tmp_path / 'raw.json'}:4: item 2 (id=r2): relationships[0].source"
    ]


def test_a_bad_line_of_many_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    third = LINE.replace('"r1"', '"r3"')
    raw_set = read_bytes(tmp_path, f'{LINE}\n{{"text": oops}}\n{third}\n'.encode(), "raw.jsonl")
    assert [d.id for d in raw_set.documents] == ["r1", "r3"]
    assert [problem.where for problem in raw_set.problems] == [f"{tmp_path / 'raw.jsonl'}:2"]
    assert (raw_set.counts["read"], raw_set.counts["used"], raw_set.counts["dropped: E-JSON"]) == (3, 2, 1)


def test_a_duplicate_key_drops_its_record_and_says_which(tmp_path: Path) -> None:
    doubled = LINE.replace('"name": "Vex"', '"name": "Vex", "name": "Wax"')
    raw_set = read_bytes(tmp_path, f"[{doubled}]".encode())
    assert codes(raw_set) == ["E-DUPLICATE-KEY"]
    assert 'item 1 (id=r1): entities[0].name: key "name" stands twice' in str(raw_set.problems[0])
    assert raw_set.documents == ()


def test_nan_is_refused(tmp_path: Path) -> None:
    raw_set = read_bytes(tmp_path, LINE.replace("0.9", "NaN").encode())
    assert codes(raw_set) == ["E-JSON"]
    assert raw_set.documents == ()


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "raw_graph_custom.json").write_text(LINE, encoding="utf-8")
    raw_set = read_raw([tmp_path / "raw_graph_custm.json"])
    assert codes(raw_set) == ["E-NO-FILE"]
    assert f"Did you mean {tmp_path / 'raw_graph_custom.json'}?" in str(raw_set.problems[0])
    assert raw_set.unreadable == (str(tmp_path / "raw_graph_custm.json"),)


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text(LINE.replace('"r1"', '"r2"'), encoding="utf-8")
    (tmp_path / "a.json").write_text(f"[{LINE}]", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no", encoding="utf-8")
    assert [d.id for d in read_raw([tmp_path]).documents] == ["r1", "r2"]


def test_a_mended_copy_in_a_folder_stands_for_its_original(tmp_path: Path) -> None:
    for name in ("raw.json", "raw.fixed.json", "other.json"):
        (tmp_path / name).write_text("[]", encoding="utf-8")
    findings = Findings()
    found = expand([tmp_path], findings)
    assert [path.name for path in found] == ["other.json", "raw.fixed.json"]
    assert findings.counts == {"note: file in a folder read in its mended copy": 1}
    assert [path.name for path in expand([tmp_path / "raw.json"])] == ["raw.json"]


def test_what_a_conversion_wrote_into_a_folder_is_no_input_of_the_next(tmp_path: Path) -> None:
    own = ("out.json", "out.report.json", "out.report.html", "splits.lock.json", "raw.fixed.diff")
    for name in ("raw.json", *own):
        (tmp_path / name).write_text("[]", encoding="utf-8")
    findings = Findings()
    assert [path.name for path in expand([tmp_path], findings)] == ["raw.json"]
    assert findings.counts == {"note: file in a folder left aside: written by convert_data.py": len(own)}
