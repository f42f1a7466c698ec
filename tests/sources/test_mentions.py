from __future__ import annotations

from typing import Any

import pytest

from kgtune.graph import Entity, Graph, Relationship
from kgtune.sources.findings import Findings
from kgtune.sources.mentions import Annotation, Link, Mention, graph
from kgtune.sources.passage import Passage

TEXT = "Vex used Latch. VEX came with Latch again."


def mention(key: str, words: str, label: str = "Tool", at: int = 0, **more: Any) -> Mention:
    start = TEXT.index(words, at)
    return Mention(key, label, f"place {key}", ((start, start + len(words)),), **more)


def built(
    *mentions: Mention, links: list[Link] | None = None, same: list[list[str]] | None = None
) -> tuple[Graph | None, Findings]:
    findings = Findings()
    annotation = Annotation(list(mentions), links or [], [tuple(keys) for keys in same or []])
    return graph(Passage(TEXT), annotation, 0.7, findings), findings


def test_mentions_of_one_label_and_folded_name_are_one_entity_named_as_first_in_the_text() -> None:
    read, findings = built(
        mention("b", "VEX", "Org"), mention("a", "Vex", "Org"), mention("c", "Latch"), mention("d", "Latch", "Org")
    )
    assert read == Graph((Entity("Org", "a", "Vex"), Entity("Tool", "c", "Latch"), Entity("Org", "d", "Latch")))
    assert findings.counts == {"note: further mention of an entity": 1}


def test_a_link_joins_the_entities_and_quotes_the_sentences_of_its_own_mentions() -> None:
    second = mention("d", "Latch", at=20)
    read, _ = built(
        mention("a", "Vex", "Org"), mention("b", "VEX", "Org"), mention("c", "Latch"), second,
        links=[Link("USE", "b", "d", "l1"), Link("HAS", "a", "d", "l2", confidence=0.4)],
    )  # fmt: skip
    assert read is not None
    assert read.relationships == (
        Relationship("USE", "a", "c", 0.7, "VEX came with Latch again."),
        Relationship("HAS", "a", "c", 0.4, TEXT),
    )


def test_what_is_said_to_be_the_same_is_one_entity_whatever_its_name() -> None:
    read, _ = built(
        mention("a", "Vex", "Org"), mention("c", "Latch"), mention("d", "Latch", at=20), mention("b", "VEX", "Org"),
        same=[["d", "a"], ["ghost", "a"]], links=[Link("USE", "c", "b", "l")],
    )  # fmt: skip
    assert read == Graph((Entity("Org", "a", "Vex"),))


def test_a_link_between_two_mentions_of_one_entity_is_left_out_and_counted_but_one_to_itself_is_kept() -> None:
    read, findings = built(
        mention("a", "Vex"), mention("b", "VEX"), links=[Link("IS", "a", "b", "l"), Link("IS", "a", "a", "l")]
    )
    assert read is not None
    assert [(e.source, e.target) for e in read.relationships] == [("a", "a")]
    assert findings.counts["note: relationship between two mentions of one entity left out"] == 1


def test_a_link_to_what_is_not_marked_is_a_problem_that_names_what_is() -> None:
    read, findings = built(mention("a", "Vex"), links=[Link("USE", "a", "z", "file:3")])
    assert read is None
    assert [(p.code, p.where) for p in findings.problems] == [("E-DANGLING", "file:3")]
    assert 'the target "z", which is not marked. Marked: a.' in findings.problems[0].what


def test_a_key_that_stands_twice_is_a_problem() -> None:
    read, findings = built(mention("a", "Vex"), mention("a", "Latch"))
    assert (read, [p.code for p in findings.problems]) == (None, ["E-DUPLICATE-ID"])
    assert "place a" in findings.problems[0].what


def test_a_mark_over_white_space_is_a_problem() -> None:
    read, findings = built(Mention("a", "Tool", "here", ((3, 4),)))
    assert (read, [p.code for p in findings.problems]) == (None, ["E-SPAN"])


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (((0, 3), (4, 8)), "Vex used"),
        (((0, 3), (9, 14)), "Vex Latch"),
        (((0, 4),), "Vex"),
        (((0, 3), (3, 8)), "Vex used"),
    ],
)
def test_a_name_of_several_parts_is_the_text_where_it_is_whole_and_else_the_parts(
    parts: tuple[tuple[int, int], ...], name: str
) -> None:
    read, findings = built(Mention("a", "Tool", "here", parts))
    assert read is not None
    assert read.entities[0].name == name
    assert findings.counts["note: name of several parts, joined"] == (name == "Vex Latch")


def test_a_thing_that_the_text_does_not_name_stands_last_with_its_given_name() -> None:
    read, _ = built(
        Mention("x", "Technique", "here", name="Night Courier"),
        mention("a", "Vex"),
        links=[Link("USE", "a", "x", "l", evidence=TEXT)],
    )
    assert read is not None
    assert [e.name for e in read.entities] == ["Vex", "Night Courier"]
    assert read.relationships[0].evidence == TEXT


def test_the_first_description_of_an_entity_is_kept() -> None:
    read, _ = built(mention("a", "Vex"), mention("b", "VEX", description="a group"))
    assert read == Graph((Entity("Tool", "a", "Vex", "a group"),))
