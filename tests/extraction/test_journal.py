"""A batch's journal: what is done stays done, what was being written is done again, nothing is mixed."""

import json
from collections import Counter

import pytest

from kgtune.errors import UserError
from kgtune.extraction import journal
from kgtune.extraction.answers import Row
from kgtune.extraction.texts import SourceText
from kgtune.graph import Entity, Graph

TEXTS = [SourceText(f"{name}.txt", f"text {name}") for name in "abcd"]
MARKS = {"model": "m", "options": "o"}


def row(text):
    graph = None if text.source == "b.txt" else Graph((Entity("Tool", "e1", f"夜 {text.text}"),))
    return Row(text.source, graph, "why" if graph is None else "", Counter(dangling=1), {"entities": []})


def begin(tmp_path, texts=TEXTS, marks=MARKS):
    return journal.begin(str(tmp_path / "out.jsonl"), texts, marks)


def run(kept, texts, stop=None):
    """Run a batch, up to a row where it is killed; return the rows and which texts were asked for."""
    asked = []

    def fresh():
        for text in kept.left(texts):
            asked.append(text.source)
            yield row(text)

    rows = []
    for one in kept.rows(texts, fresh()):
        rows.append(one)
        if len(rows) == stop:
            break
    return rows, asked


def test_a_killed_run_goes_on_with_what_is_left_and_gives_all_rows_in_order(tmp_path):
    run(begin(tmp_path), TEXTS, stop=2)
    kept = begin(tmp_path)
    rows, asked = run(kept, TEXTS)
    assert asked == ["c.txt", "d.txt"]
    assert rows == [row(text) for text in TEXTS]
    kept.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_was_being_written_does_not_count_whatever_is_left_of_it(tmp_path):
    run(begin(tmp_path), TEXTS, stop=2)
    path = tmp_path / "out.jsonl.partial"
    whole = path.read_bytes()
    second = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(second, len(whole)):
        path.write_bytes(whole[:cut])
        kept = begin(tmp_path)
        assert [text.source for text in kept.left(TEXTS)] == ["b.txt", "c.txt", "d.txt"], cut
        rows, _ = run(kept, TEXTS)
        assert rows == [row(text) for text in TEXTS]
        assert [json.loads(line)["row"]["source"] for line in path.read_text(encoding="utf-8").splitlines()[1:]] == [
            text.source for text in TEXTS
        ]


def test_a_torn_head_is_a_new_beginning(tmp_path):
    (tmp_path / "out.jsonl.partial").write_bytes(b'{"schema_ver')
    assert len(begin(tmp_path).left(TEXTS)) == 4


def test_a_text_that_has_changed_is_done_again_and_new_ones_are_done(tmp_path):
    run(begin(tmp_path), TEXTS[:2])
    texts = [TEXTS[0], SourceText("b.txt", "another text"), TEXTS[2]]
    assert [text.source for text in begin(tmp_path, texts).left(texts)] == ["b.txt", "c.txt"]


@pytest.mark.parametrize("marks", [{"model": "n", "options": "o"}, {"model": "m", "options": "p"}])
def test_a_run_of_another_model_or_other_options_is_not_mixed_in(tmp_path, marks):
    run(begin(tmp_path), TEXTS, stop=2)
    with pytest.raises(UserError, match=r"out.jsonl.partial: was left by a run with another (model|options);"):
        begin(tmp_path, marks=marks)


def test_one_text_or_stdout_keeps_no_journal(tmp_path):
    assert journal.begin(None, TEXTS, MARKS).path is None
    kept = begin(tmp_path, TEXTS[:1])
    assert run(kept, TEXTS[:1])[0] == [row(TEXTS[0])]
    kept.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_journal_of_a_folder_lies_in_it(tmp_path):
    assert journal.begin(f"{tmp_path}/new/", TEXTS, MARKS).path == tmp_path / "new" / ".partial"


def test_a_journal_of_another_version_is_not_gone_on_with(tmp_path):
    run(begin(tmp_path), TEXTS, stop=1)
    path = tmp_path / "out.jsonl.partial"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"schema_version":1', '"schema_version":0'), encoding="utf-8")
    with pytest.raises(UserError, match="was left by a run with another version; going on would mix two runs"):
        begin(tmp_path)
