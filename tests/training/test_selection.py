"""The best update by the task is kept, whatever the loss says, and a resumed run takes up its readings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kgtune import config, ontology
from kgtune.errors import ConfigError
from kgtune.graph import Entity, Graph
from kgtune.scoring.documents import Document, judge
from kgtune.training import selection
from tests import tiny
from tests.training import kills, test_training

pytestmark = pytest.mark.tiny

GOLD = Graph((Entity("Tool", "e1", "VelkaRAT"), Entity("Tool", "e2", "Noxkit")), ())
RIGHT = '{"entities":[{"labels":"Tool","id":"e1","name":"VelkaRAT","description":""},{"labels":"Tool","id":"e2","name":"Noxkit","description":""}],"relationships":[]}'


def f1(*answers: str) -> float:
    documents = [Document(f"d{n}", GOLD, "VelkaRAT and Noxkit.", f"d{n}", "en") for n in range(len(answers))]
    judged = [judge(document, answer) for document, answer in zip(documents, answers, strict=True)]
    return selection.schema_valid_f1(judged, ontology.load("threat_event"))


def test_an_answer_that_breaks_the_contract_counts_as_nothing_found():
    unknown_label = RIGHT.replace('"labels":"Tool"', '"labels":"Spoon"', 1)

    assert f1(RIGHT, RIGHT) == 1.0
    assert f1("no json", "no json") == 0.0
    assert f1(unknown_label) == 0.0  # one of its two entities is right all the same
    assert f1(RIGHT, "no json") == pytest.approx(2 * 2 / (4 + 2))


def test_the_sample_is_fixed_and_of_validation_rows_only():
    rows = kills.examples(10)
    with pytest.raises(ConfigError, match="no validation rows"):
        selection.sample_of(rows, 3)
    validation = [replace(row, split="validation") for row in rows]

    chosen = selection.sample_of(rows + validation, 3)
    assert [row.split for row in chosen] == ["validation"] * 3
    assert selection.sample_of(validation[::-1] + rows, 3) == chosen
    assert len(selection.sample_of(rows + validation, 30)) == 10


class Readings:
    """Says a list of scores one after another, and remembers the adapter that stood at each."""

    def __init__(self, trainer, scores):
        self.trainer, self.scores, self.adapters = trainer, list(scores), []

    def __call__(self):
        self.adapters.append(
            {n: p.detach().clone() for n, p in self.trainer.model.named_parameters() if p.requires_grad}
        )
        return self.scores.pop(0)


def run(base: Path, folder: Path, scores, *, resume_from=None, **overrides):
    from kgtune.training import training

    settings = {"training.max_steps": 6, "training.save_steps": 100, "training.save_total_limit": 1,
                "training.select_steps": 1, "training.select_patience": 3, **overrides}  # fmt: skip
    cfg = test_training.settings(base, **settings)
    trainer = test_training.make_trainer(cfg, folder)
    readings = Readings(trainer, scores)
    trainer.add_callback(selection.BestByTask(trainer, folder, cfg.training, readings))
    result = training.train(trainer, resume_from)
    kept = {n: p for n, p in trainer.model.named_parameters() if p.requires_grad}
    return result, readings, kept


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.save_model(tmp_path_factory.mktemp("base"))


def test_the_best_adapter_is_kept_and_training_stops_when_none_gets_better(base, tmp_path):
    result, readings, kept = run(base, tmp_path, [0.1, 0.6, 0.5, 0.6, 0.2, 0.9])

    assert result.num_steps == 5  # three readings without a better one than update 2's
    assert result.selection == {"scores": {"1": 0.1, "2": 0.6, "3": 0.5, "4": 0.6, "5": 0.2}, "kept": 2}
    assert all(parameter.equal(readings.adapters[1][name]) for name, parameter in kept.items())
    assert not all(parameter.equal(readings.adapters[4][name]) for name, parameter in kept.items())
    assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == ["checkpoint-2", "checkpoint-5"]


def test_a_resumed_run_takes_up_its_readings_and_makes_good_the_one_that_a_kill_cost(base, tmp_path):
    _, readings, kept = run(base, tmp_path, [0.1, 0.6, 0.5, 0.4, 0.2], **{"training.save_total_limit": 9})
    file = tmp_path / selection.READINGS_FILE
    earlier = json.loads(file.read_text(encoding="utf-8"))
    del earlier["scores"]["4"], earlier["scores"]["5"]  # killed between checkpoint-4 and its reading
    file.write_text(json.dumps(earlier), encoding="utf-8")
    result, again, kept_again = run(base, tmp_path, [0.4, 0.2], resume_from=tmp_path / "checkpoint-4")

    assert result.num_steps == 5
    assert result.selection == {"scores": {"1": 0.1, "2": 0.6, "3": 0.5, "4": 0.4, "5": 0.2}, "kept": 2}
    assert [all(a[n].equal(b[n]) for n in a) for a, b in zip(again.adapters, readings.adapters[3:], strict=True)] == [
        True,
        True,
    ]
    assert all(parameter.equal(kept[name]) for name, parameter in kept_again.items())


def test_a_run_that_was_over_is_not_trained_on(base, tmp_path):
    run(base, tmp_path, [0.1, 0.6, 0.5, 0.4, 0.2], **{"training.save_total_limit": 9})
    result, again, _ = run(base, tmp_path, [], resume_from=tmp_path / "checkpoint-5")

    assert result.num_steps == 5
    assert again.adapters == []


def test_the_keys_are_off_by_default():
    assert config.load(None, None).config.training.select_steps is None
