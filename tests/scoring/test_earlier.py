"""An earlier result beside today's: the same documents, scored by the same rules."""

from __future__ import annotations

import json

import pytest

from kgtune.errors import DataError, UserError
from kgtune.graph import Graph, dumps
from kgtune.scoring import earlier
from tests.scoring.build import HALF, QUICK, RIGHT, RULES, TEXT, document, row


def kept(path, answers, *, gold=RIGHT, version=2):
    listed = []
    for number, answer in answers.items():
        columns = {"after": {"answer": answer, "is_truncated": False}}
        one = {"id": f"row-{number}", "gold": gold, "lang": "en", "text": TEXT}
        listed.append({**one, "answers": columns} if version == 2 else {**one, **columns})
    path.write_text(
        json.dumps({"schema_version": version, "git_sha": "abc", "date": "2030-01-01", "documents": listed}), "utf-8"
    )
    return path


def beside(then, answers):
    for number, answer in answers.items():
        then.add(document(number), row(answer, doc=document(number)), RULES)
    return then.result(QUICK)


@pytest.mark.parametrize("version", [1, 2])
def test_a_fall_is_a_regression(tmp_path, version):
    path = kept(tmp_path / "r.json", dict.fromkeys(range(20), RIGHT), version=version)
    found = beside(earlier.read(path, "after"), dict.fromkeys(range(20), HALF))
    assert found["schema_version"] == version
    one = found["comparison"]["metrics"]["entity_f1"]
    assert (one["first"], one["second"], one["verdict"]) == (1.0, 0.6667, "worse")
    assert {(r["slice"], r["of"]) for r in found["regressions"]} >= {
        ("all", ""),
        ("length", "under 200"),
        ("label", "Tool"),
    }


def test_the_same_answers_are_no_regression(tmp_path):
    path = kept(tmp_path / "r.json", dict.fromkeys(range(20), RIGHT))
    assert beside(earlier.read(path, "after"), dict.fromkeys(range(20), RIGHT))["regressions"] == []


def test_only_shared_documents_are_compared_and_the_others_counted(tmp_path):
    path = kept(tmp_path / "r.json", dict.fromkeys(range(4), RIGHT))
    found = beside(earlier.read(path, "after"), dict.fromkeys(range(2, 9), RIGHT))
    numbers = [found[f"num_rows_{what}"] for what in ("shared", "changed", "only_then", "only_now")]
    assert numbers == [2, 0, 2, 5]


def test_a_document_whose_gold_graph_has_changed_is_not_compared(tmp_path):
    path = kept(tmp_path / "r.json", {1: RIGHT}, gold=dumps(Graph()))
    then = earlier.read(path, "after")
    with pytest.raises(UserError, match="shares no document"):
        beside(then, {1: RIGHT})
    assert then.num_changed == 1


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("nothing", "is not JSON"),
        ("[]", "holds no documents"),
        ('{"documents": []}', "holds no documents"),
        (None, "can't be read"),
    ],
)
def test_a_file_that_is_no_result_is_refused(tmp_path, text, what):
    path = tmp_path / "r.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises((UserError, DataError), match=what):
        earlier.read(path, "after")


def test_a_column_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match=r'has no column "tuned". There are: after'):
        earlier.read(kept(tmp_path / "r.json", {1: RIGHT}), "tuned")
