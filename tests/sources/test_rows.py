from __future__ import annotations

import json
from pathlib import Path

from kgtune.sources import read_raw

GRAPH = {"entities": [{"labels": "Tool", "id": "t", "name": "Latch"}], "relationships": []}


def test_rows_are_read_with_a_system_message_beside_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    row = {"instruction": "extract", "system": "", "input": "Latch.", "output": json.dumps(GRAPH)}
    path.write_text(json.dumps([row]), encoding="utf-8")
    raw_set = read_raw([path])
    assert [(d.text, d.graph.entities[0].name) for d in raw_set.documents] == [("Latch.", "Latch")]
    assert raw_set.counts["note: item key ignored: instruction"] == 1


def test_variants_are_left_out_before_their_output_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(
        json.dumps([{"input": "x", "output": "{", "aug": "order"}, {"input": "Latch.", "output": GRAPH}]),
        encoding="utf-8",
    )
    raw_set = read_raw([path])
    assert (raw_set.problems, raw_set.counts["dropped: augmented row"], raw_set.counts["used"]) == ([], 1, 1)
