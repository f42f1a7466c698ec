"""A merge is measured against the adapter's model, and the base that agrees is the one written."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from kgtune import config, model_folder, ontology, prompt
from kgtune import model as models
from kgtune.errors import ModelError
from tests import tiny

pytestmark = pytest.mark.tiny


def trained(folder: Path, *, load_in_4bit: bool):
    """A final_model whose adapter does something, over a base in 4 bits or not."""
    import torch
    from peft import get_peft_model

    from kgtune.training import training

    base = tiny.save_model(folder / "base", initializer_range=0.3)
    settings = {"model.model_id": base, "model.load_in_4bit": load_in_4bit, "data.training_data": folder / "none.json"}
    cfg = config.load(None, "demo", [f"{key}={value}" for key, value in settings.items()]).config
    model = get_peft_model(
        models.load_weights(base, load_in_4bit=load_in_4bit, precision="fp32"), training.lora_config(cfg)
    )
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=0.05)
    final = folder / "final_model"
    model.save_pretrained(str(final))
    tokenizer = models.load_tokenizer(base)
    tokenizer.save_pretrained(str(final))
    shipped = ontology.load("threat_event")
    system = prompt.system_message(shipped, "brief")
    contract = prompt.Contract(
        base_model=str(base), system=system, guidelines="brief", ontology_hash=shipped.hash,
        rendered_probe_sha256=prompt.probe_hash(tokenizer, system), max_answer_tokens=50,
    )  # fmt: skip
    model_folder.save_contract(final, contract, shipped)
    return final, cfg


def report_of(merged: Path):
    return json.loads((merged / "merge.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("load_in_4bit", "chosen", "other"),
    [(False, "16-bit base", "dequantised nf4 base"), (True, "dequantised nf4 base", "16-bit base")],
    ids=["over 16 bits", "over nf4"],
)
def test_the_base_that_the_adapter_was_trained_over_agrees_and_is_written(
    tmp_path, caplog, load_in_4bit, chosen, other
):
    from kgtune.training import merging

    final, cfg = trained(tmp_path, load_in_4bit=load_in_4bit)
    with caplog.at_level(logging.INFO):
        merged = merging.merge(final, cfg)
    report = report_of(merged)
    measured = report["disagreement"]

    assert report["chosen"] == chosen
    assert measured[chosen]["mean_kl"] < 1e-6
    assert measured[other]["mean_kl"] > 0.1
    assert measured[chosen]["argmax_rate"] == 0.0
    assert measured[other]["argmax_rate"] > 0.05
    assert measured[chosen]["num_tokens"] == measured[other]["num_tokens"] > 20
    assert f"the {chosen} agrees better" in caplog.text
    # what was written is what was measured
    loaded = models.load_tuned(merged, cfg)
    adapter = models.load_tuned(final, cfg)
    rows = merging.probes(adapter, cfg)
    found = merging.disagreement(merging.answer_logits(adapter.model, rows), merging.answer_logits(loaded.model, rows))
    assert found.mean_kl == pytest.approx(measured[chosen]["mean_kl"], abs=1e-6)
    assert not list(tmp_path.glob("*.partial"))


def test_a_model_is_no_distance_from_itself_and_some_from_another():
    import torch

    from kgtune.training import merging

    one, other = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 0.0]]), torch.tensor([[1.0, 2.0, 0.0], [0.0, 3.0, 0.0]])

    assert merging.disagreement(one, one) == merging.Disagreement(0.0, 0.0, 0.0, 2)
    found = merging.disagreement(one, other)
    assert found.argmax_rate == 0.5
    assert found.max_logit_error == 1.0
    # softmax(2, 1, 0) = .6652, .2447, .0900; the two log-probabilities that trade places differ by 1 and -1
    assert found.mean_kl == pytest.approx((0.66524 - 0.24473) / 2, abs=1e-4)


def test_held_out_rows_are_the_probes_where_there_are_any(tmp_path):
    from kgtune.training import merging

    final, cfg = trained(tmp_path, load_in_4bit=False)
    output = '{"entities":[],"relationships":[]}'
    rows = [
        {"id": f"r{n}", "input": f"Report {n}.", "output": output, "doc_id": f"d{n}", "group_id": f"g{n}",
         "split": "test" if n < 2 else "train", "lang": "en", "aug": ""} for n in range(5)
    ]  # fmt: skip
    (tmp_path / "none.json").write_text(json.dumps(rows), encoding="utf-8")
    tuned = models.load_tuned(final, cfg)
    found = merging.probes(tuned, cfg)

    assert len(found) == 2
    assert [tuned.tokenizer.decode(ids[-number:]).strip() for ids, number in found] == [f"{output}<|im_end|>"] * 2


def test_a_folder_without_an_adapter_is_refused(tmp_path):
    from kgtune.training import merging

    with pytest.raises(ModelError, match="holds no adapter"):
        merging.merge(tmp_path, config.load(None, "demo").config)
