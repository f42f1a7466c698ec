"""Reading as a whole: one document after the other, every record accounted for at each of them."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from kgtune.sources import Findings, expand, read_raw, stream

GOLDEN = Path(__file__).parent / "golden"


def item(number: int, **changes: Any) -> dict[str, Any]:
    base = {
        "id": f"r{number}",
        "text": f"Vex used Latch {number} times.",
        "entities": [{"labels": "Tool", "id": "t", "name": "Latch"}],
        "relationships": [],
    }
    return base | changes


def write(path: Path, *items: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in items), encoding="utf-8")
    return path


def dropped(findings: Findings) -> int:
    return sum(number for key, number in findings.counts.items() if key.startswith("dropped: "))


def test_at_each_document_read_is_used_and_dropped() -> None:
    findings, checked = Findings(), 0
    for number, _ in enumerate(stream([GOLDEN], findings), start=1):
        assert findings.counts["used"] == number
        # a reader that must see a whole file first may have counted ahead; never behind
        assert findings.counts["read"] >= number + dropped(findings)
        checked += 1
    assert findings.counts["read"] == findings.counts["used"] + dropped(findings)
    assert checked == findings.counts["used"] > 20


def test_streamed_and_whole_reading_give_the_same() -> None:
    paths = [GOLDEN / "texts.jsonl", GOLDEN / "brat", GOLDEN / "stix.json"]
    findings = Findings()
    documents = tuple(stream(paths, findings))
    raw_set = read_raw(paths)
    assert (documents, findings.problems, findings.counts) == (raw_set.documents, raw_set.problems, raw_set.counts)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """A file ten times as long takes the same memory but for one id and place a document."""
    peaks = []
    for number in (2_000, 20_000):
        path = write(tmp_path / f"{number}.jsonl", *(item(n, text="Vex used Latch. " * 60) for n in range(number)))
        tracemalloc.start()
        assert sum(1 for _ in stream([path], Findings())) == number
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 12_000_000  # 20 MB of text; what is kept is 300 bytes a document
    assert peaks[1] - peaks[0] < 18_000 * 400


def test_documents_come_before_the_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", *(item(n) for n in range(10_000)))
    documents = stream([path], Findings())
    assert next(documents).id == "r0"
    path.write_text("", encoding="utf-8")  # what was not read yet is gone
    assert len(list(documents)) < 9_999


def test_a_file_that_breaks_off_gave_what_came_before_to_a_stream_and_nothing_to_a_set(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[" + ",".join(json.dumps(item(n)) for n in range(3)) + ",", encoding="utf-8")
    findings = Findings()
    assert [document.id for document in stream([path], findings)] == ["r0", "r1", "r2"]
    assert (findings.unreadable, [p.code for p in findings.problems]) == ([str(path)], ["E-CUT-OFF"])
    raw_set = read_raw([path, write(tmp_path / "b.jsonl", item(9))])
    assert [document.id for document in raw_set.documents] == ["r9"]
    assert (raw_set.counts["read"], raw_set.counts["used"]) == (4, 1)
    assert raw_set.counts["dropped: in a file that can't be read to its end"] == 3


def test_an_id_that_stands_twice_is_found_across_files(tmp_path: Path) -> None:
    one = write(tmp_path / "a.jsonl", item(1), item(2))
    other = write(tmp_path / "b.jsonl", item(1), item(2, text="Latch again."))
    raw_set = read_raw([one, other])
    assert [p.code for p in raw_set.problems] == ["E-DUPLICATE-RECORD"]
    assert f'id "r2" is also the id of {one}:2: item 2 (id=r2).' in str(raw_set.problems[0])
    assert raw_set.counts["dropped: the same item again"] == 1


def test_a_run_that_gives_no_document_says_what_became_of_each_record(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{"input": "x", "output": "{}", "aug": "order"}] * 2), encoding="utf-8")
    (problem,) = read_raw([path]).problems
    assert str(problem) == (
        f"{path}: gives no document. Read 2, dropped: 2 augmented row. "
        "Give records that have a text and what is marked in it."
    )


def test_a_folder_is_read_with_all_below_it_and_what_is_left_aside_is_counted(tmp_path: Path) -> None:
    (tmp_path / "b/.git").mkdir(parents=True)
    write(tmp_path / "b/two.jsonl", item(2))
    write(tmp_path / "b/.git/no.jsonl", item(3))
    write(tmp_path / "a.json", item(1))
    for name in ("report.pdf", "notes.txt", "more.txt", "LICENSE"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    raw_set = read_raw([tmp_path])
    assert [document.id for document in raw_set.documents] == ["r1", "r2"]
    assert {key: n for key, n in raw_set.counts.items() if "left aside" in key} == {
        "note: file in a folder left aside: .pdf": 1, "note: file in a folder left aside: .txt": 2,
        "note: file in a folder left aside: LICENSE": 1,
    }  # fmt: skip


def test_a_folder_without_a_file_to_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_text("x", encoding="utf-8")
    raw_set = read_raw([tmp_path])
    assert ([p.code for p in raw_set.problems], raw_set.unreadable) == (["E-NO-INPUT"], (str(tmp_path),))


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", item(1))
    assert expand([path, tmp_path, path]) == [path]


@pytest.mark.parametrize("content", ["[]", '{"data": []}'])
def test_a_file_without_records_is_a_problem(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content, encoding="utf-8")
    raw_set = read_raw([path])
    assert ([p.code for p in raw_set.problems], raw_set.documents) == (["E-NO-RECORDS"], ())
