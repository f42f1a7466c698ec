from __future__ import annotations

from typing import Any

import pytest

from kgtune.sources import stix_objects
from kgtune.sources.stix_objects import plain_text


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("Vex used Latch.(Citation: One)(Citation: Two 2021)", "Vex used Latch."),
        ("Vex used Latch. (Citation: A (B) C) It left.", "Vex used Latch. It left."),
        (
            "[Vex](https://attack.example/groups/G0001) used [Latch](https://attack.example/S1_(x)) today.",
            "Vex used Latch today.",
        ),
        ('See [the report](https://a.example "title") here.', "See the report here."),
        ("Run <code>cmd.exe</code> or <sode>x</code>.", "Run cmd.exe or x."),
        ("One<br>Two<BR />", "One\nTwo"),
        ("![logo](https://a.example/l.png)Text", "Text"),
        ("evil[.]com and hxxp://a[.]b/[x](y) and a[0](b)", "evil[.]com and hxxp://a[.]b/[x](y) and a[0](b)"),
        ("Line one.  \nLine   two, really (Citation: X)", "Line one.\nLine two, really"),
        ("    code", "code"),
        ("It runs .NET and ./a.sh", "It runs .NET and ./a.sh"),
        ("(Citation: only)", ""),
    ],
)
def test_citations_links_and_code_marks_are_taken_off_and_the_words_stay(given: str, plain: str) -> None:
    assert plain_text(given) == plain


@pytest.mark.parametrize(
    ("item", "names"),
    [
        ({"type": "malware", "name": "Vex", "aliases": ["Vexa", "Vex"], "x_mitre_aliases": ["V"]}, ("Vex", "Vexa", "V")),
        ({"type": "attack-pattern", "name": "T1047: Night Courier"}, ("Night Courier", "T1047: Night Courier")),
        ({"type": "attack-pattern", "name": "Night Courier", "external_references": [{"source_name": "mitre-attack", "external_id": "T1"}]},
         ("Night Courier", "T1")),
        ({"type": "vulnerability", "name": "x", "external_references": "['not a list']"}, ("x",)),
        ({"type": "ipv4-addr", "value": "192.0.2.1"}, ("192.0.2.1",)),
        ({"type": "file", "name": "a.exe", "hashes": {"MD5": "m", "SHA-256": "s"}}, ("a.exe", "s", "m")),
        ({"type": "autonomous-system", "number": 64496, "name": "Net"}, ("Net", "AS64496")),
        ({"type": "windows-registry-key", "key": "HKLM\\x"}, ("HKLM\\x",)),
        ({"type": "indicator", "name": "C2", "pattern": r"[domain-name:value = 'evil.example' AND file:name = 'it\'s']"},
         ("C2", "evil.example", "it's")),
        ({"type": "location", "country": "XX"}, ("XX",)),
        ({"type": "network-traffic", "name": 7}, ()),
    ],
)  # fmt: skip
def test_an_object_is_called_by_its_name_and_then_by_its_aliases(item: dict[str, Any], names: tuple[str, ...]) -> None:
    assert stix_objects.thing({"id": "x"} | item, "here").names == names


@pytest.mark.parametrize(
    ("given", "value"),
    [(0, 0.0), (1, 0.01), (85, 0.85), (100, 1.0), (101, None), (True, None), ("85", None), (None, None)],
)
def test_confidence_is_percent(given: object, value: float | None) -> None:
    item = {"id": "r", "type": "relationship", "confidence": given}
    assert stix_objects.relationship(item, "here").confidence == value


def test_what_its_producer_took_back_is_told() -> None:
    told = [
        stix_objects.is_withdrawn(item)
        for item in ({}, {"revoked": False}, {"revoked": True}, {"x_mitre_deprecated": True})
    ]
    assert told == [False, False, True, True]


def test_a_notes_text_is_its_content() -> None:
    note = stix_objects.report(
        {"id": "note--1", "type": "note", "content": "C", "description": "D", "object_refs": ["a"]}, ""
    )
    assert (note.text, note.refs) == ("C", ("a",))
