"""Rows, their counts, and where they go."""

import dataclasses
import json

import pytest

from kgtune import export
from kgtune.errors import DataError, UserError
from kgtune.export import Document
from kgtune.extraction import answers
from kgtune.extraction.extractor import CANNED_ANSWER, ScriptedExtractor, read_answer
from kgtune.extraction.texts import SourceText
from kgtune.graph import EMPTY_TEXT
from kgtune.settings import Config, DecodingSettings
from tests.fakes import CallingExtractor

TEXTS = [SourceText("reports/a.txt", "a"), SourceText("reports/b.md", "b"), SourceText("reports/c.txt", "c")]
EXTRACTOR = ScriptedExtractor({"a": CANNED_ANSWER, "b": "no graph", "c": EMPTY_TEXT})


def rows():
    return list(answers.extract(EXTRACTOR, TEXTS, Config()))


def write(target):
    target.texts = {text.source: text for text in TEXTS}
    for row in rows():
        target.write(row)
    target.close()


def test_rows_keep_the_order_of_texts_across_batches():
    calls = []

    def answer(texts):
        calls.append(texts)
        return EXTRACTOR.extract(texts)

    cfg = Config(decoding=DecodingSettings(batch_size=2))
    found = list(answers.extract(CallingExtractor(answer), TEXTS, cfg))
    assert calls == [["a", "b"], ["c"]]
    assert [(row.source, row.graph is None) for row in found] == [
        ("reports/a.txt", False),
        ("reports/b.md", True),
        ("reports/c.txt", False),
    ]


def test_an_unreadable_answer_is_a_row_with_its_reason():
    row = rows()[1]
    error = "the model's answer is no graph (not_json). Split the text, or train on more data."
    assert row.to_object() == {"source": "reports/b.md", "graph": None, "error": error}


def test_what_was_dropped_or_cut_is_counted_by_kind():
    dangling = CANNED_ANSWER.replace('"target":"e3"', '"target":"e9"')
    extractor = CallingExtractor(lambda texts: [read_answer(dangling, "length", 1, 1)])
    found = list(answers.extract(extractor, TEXTS[:1], Config()))
    assert (
        found[0].summary
        == "3 entities, 1 relationships, 1 dangling, 1 evidence_not_in_text, 3 names_not_in_text, 1 truncated"
    )
    assert answers.report(rows() + found) == (
        "4 texts, 1 without a graph, 1 dangling, 3 evidence_not_in_text, 6 names_not_in_text, 1 truncated"
    )


def test_several_texts_go_to_stdout_as_json_lines(capsys):
    write(answers.target(None, None, [text.source for text in TEXTS]))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [list(line) for line in lines] == [["source", "graph"], ["source", "graph", "error"], ["source", "graph"]]
    assert lines[0]["graph"]["entities"][1]["id"] == "tool--night-loom"


def test_one_text_goes_to_stdout_as_its_graph_alone(capsys):
    target = answers.target(None, None, ["reports/a.txt"])
    target.write(rows()[0])
    assert list(json.loads(capsys.readouterr().out)) == ["entities", "relationships"]


def test_a_file_is_written_whole_by_close(tmp_path):
    file = tmp_path / "out.jsonl"
    target = answers.target(str(file), None, [text.source for text in TEXTS])
    target.write(rows()[0])
    assert not file.exists()
    target.close()
    assert len(file.read_text(encoding="utf-8").splitlines()) == 1


def test_a_folder_gets_one_file_for_each_text(tmp_path):
    folder = tmp_path / "graphs"
    write(answers.target(str(folder), None, [text.source for text in TEXTS]))
    assert sorted(path.name for path in folder.iterdir()) == ["a.json", "b.json", "c.json"]
    assert json.loads((folder / "c.json").read_text(encoding="utf-8")) == {"entities": [], "relationships": []}
    assert json.loads((folder / "b.json").read_text(encoding="utf-8"))["graph"] is None


@pytest.mark.parametrize(
    ("out", "format_", "sources", "layout"),
    [
        (None, None, ["a"], "object"),
        (None, "json", ["a"], "object"),
        (None, "jsonl", ["a"], "lines"),
        (None, None, ["a", "b"], "lines"),
        ("new.json", None, ["a"], "object"),
        ("new", None, ["a"], "object"),
        ("new/", None, ["a"], "folder"),
        ("new", None, ["a", "b"], "folder"),
        ("new.jsonl", None, ["a", "b"], "lines"),
        ("tests", "json", ["a", "b"], "folder"),
    ],
)
def test_the_layout_follows_from_place_format_and_number(out, format_, sources, layout):
    assert answers.target(out, format_, sources).layout == layout


@pytest.mark.parametrize(
    ("out", "format_", "sources", "layout"),
    [
        (None, "stix", ["a"], "object"),
        ("new.stix.json", "stix", ["a"], "object"),
        ("new/", "stix", ["a"], "folder"),
        ("new", "stix", ["a", "b"], "folder"),
        (None, "raw", ["a"], "lines"),
        (None, "raw", ["a", "b"], "lines"),
        ("new.jsonl", "raw", ["a", "b"], "lines"),
        ("new/", "raw", ["a", "b"], "folder"),
    ],
)
def test_the_layout_of_an_export_follows_from_the_same(out, format_, sources, layout):
    assert answers.target(out, format_, sources).layout == layout


@pytest.mark.parametrize("name", [name for name in export.FORMATS if name not in answers.OWN])
def test_an_export_goes_to_stdout_a_file_or_a_folder_as_its_bytes(tmp_path, capfdbinary, name):
    row = rows()[0]
    expected = export.render(row.graph, "a", name, Document("a.txt")).content
    stdout = answers.target(None, name, [row.source])
    folder = answers.target(str(tmp_path) + "/", name, [row.source])
    file = answers.target(str(tmp_path / "one"), name, [row.source])
    for target in (stdout, folder, file):
        target.texts = {row.source: TEXTS[0]}
        target.write(row)
        target.close()
    assert capfdbinary.readouterr().out == expected
    assert (tmp_path / f"a{export.FORMATS[name].suffix}").read_bytes() == expected
    assert (tmp_path / "one").read_bytes() == expected


def test_a_line_s_origin_is_in_its_bundle_and_a_title_that_it_lacks_is_its_name(tmp_path):
    origin = Document(None, "https://x.example/r", "2026-11-20", "amber")
    text = SourceText("r1", "a", document=origin)
    target = answers.target(str(tmp_path / "one"), "stix", ["r1"])
    target.texts = {"r1": text}
    target.write(next(answers.extract(EXTRACTOR, [text], Config())))
    expected = export.render(rows()[0].graph, "a", "stix", dataclasses.replace(origin, title="r1")).content
    assert (tmp_path / "one").read_bytes() == expected
    assert b"https://x.example/r" in expected
    assert b"TLP:AMBER" in expected


def test_a_title_that_a_line_has_goes_before_its_name(tmp_path):
    text = SourceText("r1", "a", document=Document("A title"))
    target = answers.target(str(tmp_path / "one"), "html", ["r1"])
    target.texts = {"r1": text}
    target.write(next(answers.extract(EXTRACTOR, [text], Config())))
    assert "<title>A title</title>" in (tmp_path / "one").read_text(encoding="utf-8")


def test_two_lines_of_one_title_keep_their_own_ids_in_raw(tmp_path):
    names = ["2025/07", "2026/07"]
    texts = [SourceText(name, "a", document=Document("Weekly"), is_id=True) for name in names]
    target = answers.target(str(tmp_path / "raw.jsonl"), "raw", names)
    target.texts = {text.source: text for text in texts}
    for row in answers.extract(EXTRACTOR, texts, Config()):
        target.write(row)
    target.close()
    lines = (tmp_path / "raw.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == names


def test_what_an_export_could_not_take_is_counted_with_the_row():
    row = rows()[0]
    target = answers.target("unused.jsonl", "raw", [row.source])
    target.texts = {row.source: TEXTS[0]}
    target.write(row)
    marked = {"to review: name is not in the text": 3, "to review: evidence is not in the text": 2}
    assert row.faults == {"names_not_in_text": 3, "evidence_not_in_text": 2, **marked}


def test_raw_lines_hold_the_graphs_alone_and_a_folder_says_what_failed(tmp_path):
    write(answers.target(str(tmp_path / "raw.jsonl"), "raw", [text.source for text in TEXTS]))
    lines = [json.loads(line) for line in (tmp_path / "raw.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["a.txt", "c.txt"]
    write(answers.target(str(tmp_path / "out"), "stix", [text.source for text in TEXTS]))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.stix.json", "b.json", "c.stix.json"]
    assert json.loads((tmp_path / "out" / "b.json").read_text(encoding="utf-8"))["graph"] is None


def test_what_would_mix_or_overwrite_graphs_is_refused():
    with pytest.raises(UserError, match="--format stix: there are 2 texts"):
        answers.target(None, "stix", ["a", "b"])
    with pytest.raises(UserError, match="--format json: there are 2 texts"):
        answers.target(None, "json", ["a", "b"])
    with pytest.raises(UserError, match="is a folder"):
        answers.target("new/", "jsonl", ["a"])
    with pytest.raises(DataError, match=r"x/a.md: would overwrite the graph of x/a.txt in new/\."):
        answers.target("new/", None, ["x/a.txt", "x/a.md"])
