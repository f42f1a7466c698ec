from __future__ import annotations

from typing import Any

from kgtune import ontology
from kgtune.conversion import data_report
from kgtune.conversion.data_report import Figures, Rows
from kgtune.examples import Example
from kgtune.graph import Entity, Graph, Relationship

GRAPH = Graph(
    (Entity("Tool", "e1", "Latch"), Entity("Tool", "e2", "Moss"), Entity("Target", "e3", "evil")),
    (Relationship("USE", "e1", "e2", 0.9, "Latch ran"), Relationship("USE", "e2", "e1", 0.9, "a paraphrase")),
)
LEAKS: dict[str, Any] = {
    "is_clean": True, "groups_divided": 0, "divided": [], "augmented_outside_train": 0,
    "highest_similarity_across_splits": 0.0, "most_similar": [], "names": {},
}  # fmt: skip
SPLITS: dict[str, Any] = {"groups": 2, "kept_by_the_lock": 0, "moved_from_the_lock": [], "rare_labels": []}


def example(identity: str, graph: Graph = GRAPH) -> Example:
    return Example(identity, identity, "", "train", "en", "", "Latch ran at evil.example.", graph)


def figures() -> Figures:
    found = Figures()
    found.add(example("a"), {'label "tool" written as Tool': 2})
    found.add(example("b", Graph()))
    return found


def report(**splits: Any) -> dict[str, Any]:
    counts = {"read": 3, "dropped: E-LABEL": 1, "note: id trimmed": 1, 'note: label "tool" written as Tool': 1}
    rows = Rows({"train": 2}, {"": 2}, [10, 30], [5, 7], {"order: not applicable": 4})
    return data_report.build(counts, figures(), rows, ontology.load("threat_event"), LEAKS, {**SPLITS, **splits})


def test_documents_are_counted_by_what_they_hold() -> None:
    found = report()
    assert found["documents"] == {"read": 3, "used": 2, "dropped": {"E-LABEL": 1}}
    assert (found["labels"], found["types"], found["languages"]) == ({"Tool": 2, "Target": 1}, {"USE": 2}, {"en": 2})
    assert found["empty_documents"] == 1
    assert found["notes"] == {"id trimmed": 1, 'label "tool" written as Tool': 3}
    assert found["rows"] == {
        "all": 2, "by_split": {"train": 2}, "by_augmentation": {"original": 2},
        "variants_dropped": {"order: not applicable": 4},
    }  # fmt: skip


def test_a_name_that_is_only_a_part_of_an_indicator_is_not_anchored() -> None:
    anchored = report()["anchored"]
    assert anchored["names"] == {"number": 3, "anchored_rate": 0.3333}
    assert anchored["names_by_label"]["Target"] == {"number": 1, "anchored_rate": 0.0}
    assert anchored["evidence"] == {"number": 2, "anchored_rate": 0.5}


def test_figures_of_parts_add_up_to_those_of_the_whole() -> None:
    whole, part = Figures(), Figures()
    for identity in "abc":
        whole.add(example(identity))
    for identity in "ca":
        part.add(example(identity))
    other = Figures()
    other.add(example("b"))
    part.update(other)
    assert part == whole


def test_the_text_says_what_the_lock_kept_only_where_it_kept_anything() -> None:
    assert "splits.lock.json" not in data_report.as_text(report())
    told = data_report.as_text(report(kept_by_the_lock=2, moved_from_the_lock=["g7"]))
    assert "  2 groups are where splits.lock.json has them (delete it to split anew); moved: g7" in told
