"""Training on a tiny random model: it really learns, only the adapter moves, and a resumed run is the same run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from kgtune import config
from kgtune.decoding.grammar import Rules
from kgtune.errors import CheckFailed
from kgtune.examples import Example
from kgtune.graph import Entity, Graph, Relationship
from kgtune.settings import Config
from kgtune.training import supervision
from tests import tiny

pytestmark = pytest.mark.tiny

SYSTEM = "Knowledge graph as JSON."
NAMES = [
    ("Crimson Otter", "VelkaRAT"),
    ("Pale Heron", "DrumLoader"),
    ("暗影组织", "维卡木马"),
    ("Grey Finch", "Noxkit"),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("base"))


def settings(base: Path, **overrides: Any) -> Config:
    values = {
        "model.model_id": base,
        "training.max_steps": 6,
        "training.save_steps": 3,
        "training.logging_steps": 1,
        "training.per_device_train_batch_size": 2,
        "lora.lora_dropout": 0.1,
        **overrides,
    }
    return config.load(None, "demo", [f"{key}={value}" for key, value in values.items()]).config


def examples() -> list[Example]:
    rows = []
    for i, (actor, tool) in enumerate(NAMES):
        graph = Graph(
            (Entity("ThreatOrganization", "e1", actor), Entity("Tool", "e2", tool)),
            (Relationship("USE", "e1", "e2", 0.95, ""),),
        )
        rows.append(Example(f"r{i}", f"d{i}", f"g{i}", "train", "en", "", f"{actor} used {tool}.", graph))
    return rows


def make_trainer(cfg: Config, output_dir: Path) -> Any:
    from kgtune import hub, model
    from kgtune.training import training

    folder = hub.resolve(cfg.model.model_id)
    tokenizer = model.load_tokenizer(folder)
    samples = supervision.supervise(
        examples(), tokenizer, SYSTEM, max_seq_length=cfg.model.max_seq_length, overlength="refuse"
    ).samples
    weights = model.load_weights(folder, load_in_4bit=cfg.model.load_in_4bit, precision="fp32")
    return training.make_trainer(weights, tokenizer, samples, SYSTEM, cfg, output_dir)


def test_only_the_adapter_moves_and_all_of_it_does(base: Path, tmp_path: Path) -> None:
    from kgtune.training import training

    trainer = make_trainer(settings(base), tmp_path)
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    training.train(trainer, None)
    moved = {name for name, p in trainer.model.named_parameters() if not p.equal(before[name])}

    adapter = {name for name in before if ".lora_" in name}
    assert len(adapter) == 2 * 7 * 2  # A and B, seven modules, two layers
    assert moved == adapter


def test_the_loss_starts_at_the_logarithm_of_the_vocabulary(base: Path, tmp_path: Path) -> None:
    from kgtune.training import training

    result = training.train(make_trainer(settings(base, **{"training.max_steps": 2}), tmp_path), None)

    assert result.losses[0][1] == pytest.approx(math.log(tiny.VOCABULARY), rel=0.05)


def test_one_batch_is_learnt_to_the_letter(base: Path, tmp_path: Path) -> None:
    from kgtune.extraction import generation
    from kgtune.training import training

    wide = tiny.save_model(tmp_path / "wide", hidden_size=128, initializer_range=0.15)
    cfg = settings(
        wide,
        **{
            "training.max_steps": 150,
            "training.per_device_train_batch_size": 4,
            "training.learning_rate": 0.01,
            "training.save_steps": 1000,
            "training.logging_steps": 50,
            "lora.lora_r": 32,
            "lora.lora_alpha": 64,
            "lora.lora_dropout": 0.0,
        },
    )
    trainer = make_trainer(cfg, tmp_path / "run")
    result = training.train(trainer, None)
    trainer.model.eval()
    extractor = generation.TransformersExtractor(
        trainer.model, trainer.processing_class, SYSTEM, max_new_tokens=200, batch_size=4, name="tiny"
    )
    answers = [out.raw_text for out in extractor.extract([e.text for e in examples()])]

    assert result.losses[-1][1] < 0.1
    assert answers == [e.answer for e in examples()]

    labels = ("ThreatOrganization", "Tool")
    held = generation.TransformersExtractor(
        trainer.model.merge_and_unload(), trainer.processing_class, SYSTEM, max_new_tokens=200, batch_size=3, name="merged",
        rules=Rules(labels, ("USE",), verbatim_labels=frozenset(labels), is_evidence_verbatim=True), draft_tokens=8,
    )  # fmt: skip
    outs = held.extract([e.text for e in examples()])
    assert [out.raw_text for out in outs] == answers
    assert sum(out.statistics.num_overruled_tokens for out in outs) == 0


def test_a_resumed_run_has_the_same_losses_and_the_same_adapter(base: Path, tmp_path: Path) -> None:
    import torch

    from kgtune.training import checkpoints, training

    whole = make_trainer(settings(base), tmp_path / "whole")
    uninterrupted = training.train(whole, None)
    [first, _] = checkpoints.whole(tmp_path / "whole")
    resumed = make_trainer(settings(base), tmp_path / "whole")
    continued = training.train(resumed, first)

    assert first.name == "checkpoint-3"
    assert continued.losses == uninterrupted.losses
    for (name, a), (_, b) in zip(whole.model.named_parameters(), resumed.model.named_parameters(), strict=True):
        assert torch.equal(a, b), name


def test_four_bit_means_linear4bit_nf4_nested_and_it_trains(base: Path, tmp_path: Path) -> None:
    import bitsandbytes as bnb

    from kgtune.training import training

    trainer = make_trainer(settings(base, **{"model.load_in_4bit": "true"}), tmp_path)
    linears = {n: m for n, m in trainer.model.named_modules() if isinstance(m, bnb.nn.Linear4bit)}
    result = training.train(trainer, None)

    assert len(linears) == 7 * 2
    assert all(m.weight.quant_type == "nf4" and m.weight.quant_state.nested for m in linears.values())
    assert result.losses[-1][1] < result.losses[0][1]


def test_asking_for_four_bit_and_getting_sixteen_stops(base: Path) -> None:
    from kgtune import model

    weights = model.load_weights(base, load_in_4bit=False, precision="fp32")

    with pytest.raises(CheckFailed, match="C8-NOT-4-BIT: .*load_in_4bit=True was asked, but 0 modules"):
        model.check_quantized(weights, load_in_4bit=True)


def test_an_adapter_that_never_moved_is_refused(base: Path, tmp_path: Path) -> None:
    from kgtune.training import training

    trainer = make_trainer(settings(base), tmp_path)

    with pytest.raises(CheckFailed, match="C9-NOT-TRAINED: .*14 did not change"):
        training.check_adapter(trainer.model)


def test_rows_that_the_trainer_would_render_otherwise_are_refused(base: Path, tmp_path: Path) -> None:
    from kgtune.training import training

    trainer = make_trainer(settings(base), tmp_path)
    samples = supervision.supervise(
        examples(), trainer.processing_class, "another system", max_seq_length=1000, overlength="refuse"
    ).samples

    with pytest.raises(CheckFailed, match="C4-OTHER-TOKENS: row r0: the trainer tokenises this row differently"):
        training.check_tokens(trainer, samples)


def test_answering_before_training_changes_nothing_in_four_bits(base: Path, tmp_path: Path) -> None:
    """bitsandbytes repacks 4-bit weights for answers on some processors, and no gradient passes those."""
    import torch

    from kgtune.training import training

    cfg = settings(base, **{"model.load_in_4bit": "true", "lora.lora_dropout": 0.0})
    adapters = []
    for answers_first in (False, True):
        trainer = make_trainer(cfg, tmp_path / str(answers_first))
        if answers_first:
            trainer.model.eval()
            with torch.inference_mode():
                trainer.model(input_ids=torch.tensor([[5, 6, 7]]))
        training.train(trainer, None)
        adapters.append({n: p.detach().clone() for n, p in trainer.model.named_parameters() if p.requires_grad})

    assert len(adapters[0]) == 28
    assert [name for name, p in adapters[0].items() if not p.equal(adapters[1][name])] == []


def test_a_loss_that_is_no_number_stops_and_saves_nothing(base: Path, tmp_path: Path) -> None:
    import torch

    from kgtune.training import training

    trainer = make_trainer(settings(base), tmp_path)
    with torch.no_grad():
        trainer.model.get_base_model().model.norm.weight[0] = math.nan

    with pytest.raises(CheckFailed, match="C9-NOT-FINITE: step 1: loss nan"):
        training.train(trainer, None)
    assert list(tmp_path.glob("checkpoint-*")) == []


def test_the_card_stands_in_the_kept_model_in_place_of_the_librarys(base: Path, tmp_path: Path) -> None:
    from kgtune import ontology
    from kgtune.prompt import Contract
    from kgtune.training import training

    trainer = make_trainer(settings(base), tmp_path)
    contract = Contract("base", SYSTEM, "brief", "hash", "probe", 10)
    training.save_final(
        trainer, trainer.processing_class, tmp_path / "final", contract, ontology.load("threat_event"), "# Card\n"
    )

    assert (tmp_path / "final/README.md").read_text(encoding="utf-8") == "# Card\n"


def test_trackers_are_passed_through_and_none_is_the_default(base: Path, tmp_path: Path) -> None:
    from kgtune.training import training

    def trackers(**overrides: Any) -> list[str]:
        return list(training.sft_config(settings(base, **overrides), tmp_path, "fp32", 0).report_to)

    assert trackers(**{"training.report_to": "[tensorboard, mlflow]"}) == ["tensorboard", "mlflow"]
    assert trackers() == []
