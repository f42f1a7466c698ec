"""From the prepared rows to the kept model: the contract that travels with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kgtune import config
from tests import tiny

pytestmark = pytest.mark.tiny
OUTPUT = '{"entities":[{"labels":"Tool","id":"e1","name":"VelkaRAT","description":""}],"relationships":[]}'


def test_the_texts_are_looked_through_once_for_all_contracts_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kgtune.training import preparing, supervision, tuning

    rows = [
        {"id": f"r{n}", "input": f"Report {n} names VelkaRAT{' again' * n}.", "output": OUTPUT, "doc_id": f"d{n}",
         "group_id": f"g{n}", "split": "test" if n == 3 else "train", "lang": "en", "aug": ""} for n in range(4)
    ]  # fmt: skip
    (tmp_path / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    base = tiny.save_model(tmp_path / "base")
    overrides = [f"data.training_data={tmp_path / 'rows.json'}", f"model.model_id={base}"]
    cfg = config.load(None, "demo", overrides).config
    prepared = preparing.prepare(cfg)
    looked = []
    share = supervision.verbatim_shares
    monkeypatch.setattr(supervision, "verbatim_shares", lambda samples: looked.append(1) or share(samples))

    contract = tuning.contract_for(prepared, cfg)
    assert tuning.contract_for(prepared, cfg) == contract
    assert looked == [1]
    assert contract.verbatim_names == {"Tool": 1.0}
    assert contract.usual_text_tokens == prepared.text_tokens[1]
    assert contract.long_text_tokens == prepared.text_tokens[2] > contract.usual_text_tokens
    lone = len(prepared.tokenizer("Report 0 names VelkaRAT.", add_special_tokens=False)["input_ids"])
    assert prepared.text_tokens[0] == lone
