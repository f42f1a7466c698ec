from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kgtune import lint, ontology
from kgtune.sources import read_raw

ONTOLOGY = ontology.load("threat_event")


def item(**changes: Any) -> dict[str, Any]:
    return {
        "id": "r1",
        "text": "Vexa used Latch.",
        "entities": [
            {"labels": "ThreatOrganization", "id": "o", "name": "Vexa", "description": ""},
            {"labels": "Tool", "id": "t", "name": "Latch", "description": ""},
        ],
        "relationships": [
            {"type": "USE", "source": "o", "target": "t", "confidence": 0.9, "evidence": "Vexa used Latch."}
        ],
        "keep": {"me": 1},
    } | changes


def codes(tmp_path: Path, *items: dict[str, Any]) -> list[tuple[str, str]]:
    path = tmp_path / "raw.json"
    path.write_text(json.dumps(items), encoding="utf-8")
    return [(finding.level, finding.code) for finding in lint.check(read_raw([path]), ONTOLOGY)]


def test_a_sound_item_has_no_findings(tmp_path: Path) -> None:
    assert codes(tmp_path, item()) == []


def test_names_and_evidence_that_the_text_lacks_are_warnings(tmp_path: Path) -> None:
    edge = item()["relationships"][0]
    assert codes(tmp_path, item(text="Vexa came.", relationships=[edge | {"evidence": "elsewhere"}])) == [
        ("warning", "W-NAME"), ("warning", "W-EVIDENCE")
    ]  # fmt: skip
    assert ("warning", "W-UNANCHORED") in codes(tmp_path, item(text="Nothing here."))


def test_a_phrase_of_a_label_that_need_not_stand_in_the_text_is_no_finding(tmp_path: Path) -> None:
    technique = {"labels": "Technique", "id": "k", "name": "Lateral movement", "description": ""}
    assert codes(tmp_path, item(entities=[*item()["entities"], technique])) == []


def test_unforeseen_pairs_loops_labels_and_types_are_warnings(tmp_path: Path) -> None:
    edge = item()["relationships"][0]
    assert codes(tmp_path, item(relationships=[edge | {"source": "t", "target": "o"}])) == [("warning", "W-PAIR")]
    assert ("warning", "W-SELF-LOOP") in codes(tmp_path, item(relationships=[edge | {"target": "o"}]))
    assert codes(tmp_path, item(relationships=[edge | {"type": "EATS"}])) == [("warning", "W-TYPE")]
    odd = {"labels": "Fruit", "id": "f", "name": "Latch", "description": ""}
    assert ("warning", "W-LABEL") in codes(tmp_path, item(entities=[*item()["entities"], odd]))


def test_problems_of_the_readers_are_errors_and_come_first(tmp_path: Path) -> None:
    edge = item()["relationships"][0]
    found = codes(tmp_path, item(text="Vexa came."), item(id="r2", relationships=[edge | {"source": "x"}]))
    assert found[0] == ("error", "E-DANGLING")


def test_many_findings_of_one_kind_are_counted_not_listed(tmp_path: Path) -> None:
    path = tmp_path / "raw.json"
    path.write_text(json.dumps([item(id=f"r{n}", text=f"Latch {n}.") for n in range(9)]), encoding="utf-8")
    text = lint.describe(lint.check(read_raw([path]), ONTOLOGY), ())
    assert text.count("warning W-NAME") == 5
    assert "... and 4 more of the same kind" in text
    assert text.endswith("0 errors, 18 warnings, 0 places that --fix writes plainly")


def test_fix_mends_what_is_lossless_keeps_the_rest_and_says_what(tmp_path: Path) -> None:
    edge = item()["relationships"][0]
    spelt = item(relationships=[edge | {"confidence": "95%", "source": " o "}])
    spelt["entities"][1]["labels"] = ["Tool"]
    path = tmp_path / "raw.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([spelt], indent=1).replace("\n", "\r\n").encode())
    before = path.read_bytes()
    raw_set = read_raw([path])
    target, changes = lint.fix(path, 0.9, raw_set.documents)
    assert target == tmp_path / "raw.fixed.jsonl"
    assert path.read_bytes() == before
    fixed = read_raw([target])
    assert (fixed.repairs, fixed.problems) == ((), [])
    assert fixed.documents[0].graph == raw_set.documents[0].graph
    assert json.loads(target.read_text(encoding="utf-8"))["keep"] == {"me": 1}
    assert {code for code, number in changes.items() if number} == {
        "F-ENCODING", "F-NEWLINE", "F-CONFIDENCE", "F-STRING", "F-LABELS"
    }  # fmt: skip
