"""Looking at gold answers while training changes nothing in it, and is kept by checkpoints."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.training.test_training import SYSTEM, base, examples, make_trainer, settings

pytestmark = pytest.mark.tiny
assert base  # the fixture


def watched(trainer, steps=2):
    from kgtune.evaluation import probes
    from kgtune.training import watching

    rows = probes.prepare(examples()[:2], trainer.processing_class, SYSTEM, max_tokens=2000)
    trainer.add_callback(watching.Watch(rows, steps))
    return trainer


def test_the_rows_that_are_looked_at_do_not_depend_on_the_order_of_the_file():
    from kgtune.training import watching

    plenty = [replace(one, id=f"{one.id}-{n}", split="validation") for n in range(20) for one in examples()[:2]]
    rows = watching.rows_of([*examples(), *plenty])
    assert ({row.split for row in rows}, len(rows)) == ({"validation"}, watching.MOST_ROWS)
    assert watching.rows_of([*plenty[::-1], *examples()]) == rows
    assert rows != plenty[: watching.MOST_ROWS]


def test_the_losses_are_the_same_to_the_bit_with_and_without(base, tmp_path):
    from kgtune.training import training

    cfg = settings(base)
    plain = training.train(make_trainer(cfg, tmp_path / "plain"), None)
    looked_at = training.train(watched(make_trainer(cfg, tmp_path / "watched")), None)

    assert plain.losses == looked_at.losses
    assert plain.probes == ()
    assert [one["step"] for one in looked_at.probes] == [0, 2, 4, 6]
    assert looked_at.probes[-1]["value_loss"] < looked_at.probes[0]["value_loss"]
    assert 0 <= looked_at.probes[0]["end_probability"] <= 1


def test_the_last_step_is_looked_at_and_a_checkpoint_keeps_it(base, tmp_path):
    from kgtune.training import training, watching

    trained = training.train(watched(make_trainer(settings(base), tmp_path / "out"), steps=4), None)
    state = json.loads(
        (training.checkpoints.whole(tmp_path / "out")[-1] / "trainer_state.json").read_text(encoding="utf-8")
    )

    assert [one["step"] for one in trained.probes] == [0, 4, 6]
    assert watching.history(state["log_history"]) == list(trained.probes)
    assert training.losses_in(state["log_history"]) == trained.losses
