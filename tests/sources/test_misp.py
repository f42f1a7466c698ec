from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kgtune.sources import RawSet, read_raw

DOMAIN = {"uuid": "00000000-0000-4000-8000-000000000001", "type": "domain", "value": "evil.example"}
FILE = {"uuid": "00000000-0000-4000-8000-000000000002", "name": "file", "Attribute": [{"type": "filename", "value": "a.exe", "uuid": "f"}],
        "ObjectReference": [{"referenced_uuid": DOMAIN["uuid"], "relationship_type": "communicates-with"}]}  # fmt: skip


def event(*contents: str, **more: Any) -> dict[str, Any]:
    reports = [{"uuid": f"r{number}", "content": content} for number, content in enumerate(contents)]
    return {"Event": {"uuid": "e", "info": "x", "Attribute": [DOMAIN], "Object": [FILE], "EventReport": reports} | more}


def read(tmp_path: Path, content: Any) -> RawSet:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return read_raw([path])


def test_marks_are_replaced_by_what_they_stand_for_and_anchor_it(tmp_path: Path) -> None:
    text = f'@[object]({FILE["uuid"]}) calls @![attribute]({DOMAIN["uuid"]}), says @[tag](misp-galaxy:threat-actor="Vex (V)").'
    (document,) = read(tmp_path, event(text)).documents
    assert (document.id, document.doc_id, document.text) == ("r0", "e", "a.exe calls evil.example, says Vex (V).")
    assert [(e.labels, e.name) for e in document.graph.entities] == [
        ("file", "a.exe"), ("domain-name", "evil.example"), ("threat-actor", "Vex (V)"),
    ]  # fmt: skip
    (edge,) = document.graph.relationships
    assert (edge.type, edge.source, edge.target, edge.evidence) == (
        "communicates-with",
        FILE["uuid"],
        DOMAIN["uuid"],
        document.text,
    )


def test_what_is_named_without_a_mark_is_a_mention_too_also_defanged(tmp_path: Path) -> None:
    raw_set = read(tmp_path, event("The file a.exe calls evil[.]example at night."))
    assert [e.name for e in raw_set.documents[0].graph.entities] == ["a.exe", "evil[.]example"]
    assert len(raw_set.documents[0].graph.relationships) == 1


def test_one_thing_marked_twice_is_one_entity(tmp_path: Path) -> None:
    mark = f"@[attribute]({DOMAIN['uuid']})"
    raw_set = read(tmp_path, event(f"{mark} was up. Then {mark} was down."))
    assert [e.name for e in raw_set.documents[0].graph.entities] == ["evil.example"]


def test_a_mark_of_what_is_not_in_the_event_is_taken_out_and_counted(tmp_path: Path) -> None:
    raw_set = read(tmp_path, event("See @[attribute](00000000-0000-4000-8000-00000000ffff): evil.example."))
    assert raw_set.documents[0].text == "See : evil.example."
    assert raw_set.counts["note: mark of an unknown attribute taken out of a MISP report"] == 1


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (event(), "MISP event without a report: no text"),
        (
            event("evil.example", EventReport=[{"uuid": "r", "content": "evil.example", "deleted": True}]),
            "MISP report deleted",
        ),
        (event(EventReport=[{"uuid": "r", "content": ""}]), "MISP report without content: no text"),
        (event("Lunch is at noon."), "MISP report that names nothing of its event"),
        (
            event("evil.example is up.", Attribute=[DOMAIN | {"deleted": True}]),
            "MISP report that names nothing of its event",
        ),
    ],
)
def test_every_report_that_is_not_used_has_its_reason(tmp_path: Path, given: dict[str, Any], reason: str) -> None:
    other = event("evil.example is up.", uuid="e2")
    other["Event"]["EventReport"][0]["uuid"] = "other"
    raw_set = read(tmp_path, {"response": [given, other]})
    assert (raw_set.counts["read"], raw_set.counts["used"], raw_set.counts[f"dropped: {reason}"]) == (2, 1, 1)


def test_an_event_a_list_and_a_response_read_the_same(tmp_path: Path) -> None:
    one = event("evil.example is up.")
    for content in (one, [one], {"response": [one]}):
        assert [d.text for d in read(tmp_path, content).documents] == ["evil.example is up."]


def test_a_text_is_kept_in_nfc_and_its_marks_stay_in_place(tmp_path: Path) -> None:
    raw_set = read(tmp_path, event(f"e\u0301\r\nfrom @[attribute]({DOMAIN['uuid']})"))
    assert raw_set.documents[0].text == "é\nfrom evil.example"
    assert [e.name for e in raw_set.documents[0].graph.entities] == ["evil.example"]
