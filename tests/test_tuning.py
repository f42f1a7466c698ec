"""Which rows and which ontology a fine-tuning run works with."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from kgtune import config, ontology

pytestmark = pytest.mark.tiny


def bare_row(number: int, label: str) -> dict[str, Any]:
    output = {
        "entities": [{"labels": label, "id": "a", "name": f"Vexa{number}"}],
        "relationships": [],
    }
    return {"input": f"Vexa{number} came by in week {number * 37}.", "output": json.dumps(output)}


def rows_of(tmp_path: Path, rows: list[dict[str, Any]], *overrides: str) -> Any:
    from kgtune import tuning

    path = tmp_path / "training_data.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    switched_off = [
        f"augmentation.{name}.enabled=false" for name in ("synonyms", "order", "affixes", "empties", "entities")
    ]
    cfg = config.load(None, None, [f"data.training_data={path}", *switched_off, *overrides]).config
    return tuning.read_rows(cfg)


def test_bare_rows_take_the_ontologys_spelling_and_every_rename_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [bare_row(n, "threat-actor" if n % 2 else "ThreatOrganization") for n in range(20)]
    with caplog.at_level(logging.WARNING):
        examples, chosen = rows_of(tmp_path, rows)
    assert chosen.name == "threat_event"
    assert {entity.labels for example in examples for entity in example.graph.entities} == {"ThreatOrganization"}
    assert 'label "threat-actor" written as ThreatOrganization, 10 times' in caplog.text


def test_rows_that_carry_a_split_are_not_touched(tmp_path: Path) -> None:
    rows = [
        bare_row(n, "threat-actor") | {"id": f"r{n}", "group_id": f"g{n}", "split": "test" if n < 3 else "train"}
        for n in range(9)
    ]
    examples, _ = rows_of(tmp_path, rows, "ontology=threat_event")
    assert {entity.labels for example in examples for entity in example.graph.entities} == {"threat-actor"}


def test_the_ontology_beside_the_data_is_used_unless_another_is_named(tmp_path: Path) -> None:
    mine = ontology.parse("name: mine\nlabels: {ThreatOrganization: , Extra: }\ntypes: {R: }\n", where="x")
    (tmp_path / "ontology.yaml").write_text(ontology.dump(mine), encoding="utf-8")
    rows = [bare_row(n, "ThreatOrganization") for n in range(20)]
    assert rows_of(tmp_path, rows)[1] == mine
    assert rows_of(tmp_path, rows, "ontology=threat_event")[1].name == "threat_event"
