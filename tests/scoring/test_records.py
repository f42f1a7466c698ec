"""Records of a file, one after the other, whatever its layout and length."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from kgtune.errors import DataError
from kgtune.scoring import records

VALUES = [{"id": "a", "n": 1}, {"id": "b", "text": '线\n"x"'}, {"id": "c", "deep": [[{}]]}]


def read(path):
    return [record.value for record in records.read(path)]


@pytest.fixture
def written(tmp_path):
    def write(text, name="x.json"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(VALUES),
        json.dumps(VALUES, ensure_ascii=False, indent=2),
        "\n".join(json.dumps(v, ensure_ascii=False) for v in VALUES),
        "\n\n".join(json.dumps(v) for v in VALUES) + "\n\n",
        "\ufeff" + json.dumps(VALUES),
        json.dumps({"documents": VALUES, "schema_version": 2}),
        json.dumps({"data": VALUES}),
    ],
)
def test_every_layout_gives_the_same_records(written, text):
    assert read(written(text)) == VALUES


def test_a_record_knows_its_place(written):
    assert [r.where.rpartition(": ")[2] for r in records.read(written(json.dumps(VALUES)))] == [
        "item 1",
        "item 2",
        "item 3",
    ]


def test_a_lone_object_is_one_record_without_a_name(written):
    (record,) = records.read(written('{"text": "x"}', "report-7.json"))
    assert (record.value, record.stem) == ({"text": "x"}, "")


def test_a_bare_list_of_triples_is_one_document(written):
    pairs = [{"subject": "a", "relation": "r", "object": "b"}] * 2
    (record,) = records.read(written(json.dumps(pairs), "report-8.json"))
    assert record.value == {"triples": pairs}


def test_in_a_folder_of_lone_objects_each_is_known_by_its_file(written, tmp_path):
    written('{"text": "x"}', "report-7.json")
    written('[{"subject": "a", "relation": "r", "object": "b"}]', "report-8.json")
    written('[{"n": 1}, {"n": 2}]', "several.json")
    assert [record.stem for record in records.read(tmp_path)] == ["report-7", "report-8", "", ""]


def test_a_folder_is_read_file_by_file(written, tmp_path):
    written('{"n": 2}', "b.json")
    written('{"n": 1}', "a.json")
    written("no json", "notes.txt")
    assert read(tmp_path) == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize("size", [1, 7, 64])
def test_pieces_may_end_anywhere(written, monkeypatch, size):
    monkeypatch.setattr(records, "_CHUNK", size)
    for text in (json.dumps(VALUES, ensure_ascii=False), "\n".join(map(json.dumps, VALUES)), "[12345, 678]", "12 34"):
        assert read(written(text)) in (VALUES, [12345, 678], [12, 34])


@pytest.mark.parametrize(
    ("text", "what"),
    [("[1, 2", "item 3: is not JSON"), ('{"a": 1}\n{"a": }', "item 2: is not JSON"), ("nothing", "item 1: is not JSON"),
     ("[1 2} ", "item 3: is not JSON")],
)  # fmt: skip
def test_a_broken_file_is_refused_with_its_place(written, text, what):
    with pytest.raises(DataError, match=what):
        read(written(text))


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(DataError, match="can't be read: No such file"):
        read(tmp_path / "none.json")
    (tmp_path / "latin.json").write_bytes('{"a": "é"}'.encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        read(tmp_path / "latin.json")
    with pytest.raises(DataError, match=r"holds no .json file"):
        read(tmp_path.joinpath("empty").mkdir() or tmp_path / "empty")


def test_an_empty_file_has_no_records(written):
    assert read(written("")) == read(written("[]")) == []


@pytest.mark.parametrize("layout", ["lines", "array"])
def test_memory_does_not_grow_with_the_file(tmp_path, layout):
    def peak(count):
        path = tmp_path / f"{layout}{count}.json"
        lines = [json.dumps({"id": str(n), "text": "x" * 500}) for n in range(count)]
        path.write_text("\n".join(lines) if layout == "lines" else "[" + ",".join(lines) + "]", encoding="utf-8")
        del lines
        tracemalloc.start()
        assert sum(1 for _ in records.read(path)) == count
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(4000) < 1.5 * peak(400)
