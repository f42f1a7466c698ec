"""What ends `make demo`, and what does not."""

import json

import pytest

from kgtune import config
from kgtune.demo import run
from kgtune.errors import UserError
from kgtune.scoring import gate


def ending_with(code):
    return ["-c", f"import sys; print('told'); sys.exit({code})"]


def test_a_script_that_fails_ends_the_demo_and_what_it_printed_was_shown(capsys):
    with pytest.raises(UserError, match="-c ended with exit code 3; its messages stand above"):
        run._stage("fine_tune", {}, ending_with(3))
    assert capsys.readouterr().out.endswith("told\n")


def test_an_unreadable_answer_of_the_extraction_is_a_result(capsys):
    seconds = {}
    assert run._stage("extract", seconds, ending_with(2)) == "told\n"
    assert list(seconds) == ["extract"]
    assert capsys.readouterr().out.endswith("told\n")


def test_the_floor_of_the_demo_is_read_and_a_model_that_learnt_nothing_is_under_it():
    required = config.load(profile="demo", overrides=[f"evaluation.require={run.FLOOR}"]).config.evaluation.require
    shipped = json.loads((run.ROOT / "benchmarks/results/demo.json").read_text(encoding="utf-8"))["metrics"]
    for condition in gate.conditions(required):
        columns = shipped[{"parse_rate": "strict_parse_rate"}.get(condition.name, condition.name)]
        assert condition.sign == ">="
        assert columns["before"]["value"] < condition.bound < columns["after"]["low"]
