"""Every finding, from an answer that shows it; the reason is the first fatal one."""

from __future__ import annotations

import json

import pytest

from kgtune import ontology
from kgtune.graph import Entity, Graph, Relationship, dumps
from kgtune.scoring.documents import Document, judge, judge_graph
from kgtune.scoring.taxonomy import FINDINGS, findings, is_loop, reason

ONTOLOGY = ontology.load("threat_event")
ACTOR = Entity("ThreatOrganization", "e1", "Crimson Otter")
TOOL = Entity("Tool", "e2", "VelkaRAT")
GRAPH = Graph((ACTOR, TOOL), (Relationship("USE", "e1", "e2", 0.95, "x"),))
TEXT = dumps(GRAPH)
DOCUMENT = Document("d", GRAPH, "Crimson Otter used VelkaRAT.")
ITEM = '{"labels":"Tool","id":"e2","name":"VelkaRAT","description":""}'

EXAMPLES = {
    "no_answer": None,
    "empty": " ",
    "loop": '{"entities":[' + ITEM + ("," + ITEM) * 12,
    "cut_off": TEXT[:-30],
    "code_fence": f"```json\n{TEXT}\n```",
    "prose_around": f"The graph: {TEXT}",
    "quotes": TEXT.replace('"', "'"),
    "trailing_comma": TEXT.replace("]", ",]"),
    "bad_escape": TEXT.replace("VelkaRAT", "C:\\Velka"),
    "duplicate_key": TEXT.replace('"name"', '"id"'),
    "not_json": "There is nothing to report.",
    "array_root": f"[{TEXT}]",
    "not_object": "7",
    "missing_key": TEXT.replace('"description"', '"note"'),
    "extra_key": TEXT[:-1] + ',"notes":[]}',
    "wrong_type": TEXT.replace("0.95", '"high"'),
    "unknown_label": TEXT.replace("ThreatOrganization", "Wizard"),
    "unknown_type": TEXT.replace("USE", "ENCHANT"),
    "duplicate_id": TEXT.replace('"id":"e2"', '"id":"e1"').replace('"target":"e2"', '"target":"e1"'),
    "dangling_id": TEXT.replace('"target":"e2"', '"target":"e9"'),
}


def found(answer, **how):
    judged = judge(DOCUMENT, answer, **how)
    codes = findings(judged, ONTOLOGY)
    return codes, reason(judged, codes)


def test_there_is_an_example_of_every_finding():
    assert len(FINDINGS) == 20
    assert EXAMPLES.keys() == FINDINGS.keys()


@pytest.mark.parametrize("code", sorted(EXAMPLES))
def test_an_answer_shows_its_finding_and_a_fatal_one_is_its_reason(code):
    codes, why = found(EXAMPLES[code])
    assert code in codes
    assert why == (code if FINDINGS[code].is_fatal else None)


def test_a_right_answer_has_no_finding():
    assert found(TEXT) == ((), None)


def test_an_answer_may_have_several_findings_and_the_first_fatal_one_is_the_reason():
    wizard = TEXT.replace("ThreatOrganization", "Wizard")
    codes, why = found(f"Here:\n```json\n{wizard[:-30]}")
    assert codes == ("cut_off", "code_fence", "prose_around", "unknown_label")
    assert why == "cut_off"


def test_a_strict_graph_has_findings_and_no_reason():
    codes, why = found(TEXT.replace('"target":"e2"', '"target":"e9"').replace("USE", "ENCHANT"))
    assert (codes, why) == (("unknown_type", "dangling_id"), None)


def test_the_token_cap_cuts_off_an_answer_that_would_else_be_broken_json():
    assert found('{"entities":[}', is_truncated=True)[1] == "cut_off"
    assert found(TEXT, is_truncated=True) == ((), None)


def test_a_graph_without_a_text_is_looked_at_too():
    judged = judge_graph(DOCUMENT, Graph((Entity("Wizard", "e1", "x y z"),), ()))
    assert findings(judged, ONTOLOGY) == ("unknown_label",)


def test_the_same_item_five_times_is_a_loop_even_with_new_ids():
    items = tuple(Entity("Tool", f"e{n}", "VelkaRAT") for n in range(5))
    assert found(dumps(Graph(items, ())))[0] == ("loop",)
    assert found(dumps(Graph(items[:4], ())))[0] == ()


@pytest.mark.parametrize("unit", ["ab", "VelkaRAT and ", "绯獭组织使用了工具。", "x" * 40 + "y" * 41 + " ", ITEM + ","])
@pytest.mark.parametrize("start", range(0, 40, 7))
def test_a_repeated_passage_is_a_loop_wherever_it_stands(unit, start):
    before = "".join(chr(0x4E00 + 7 * n) for n in range(start))
    times = max(7, 100 // len(unit) + 1)
    assert is_loop(f"{before}{unit * times} and so on")


def test_a_long_list_of_different_items_is_no_loop():
    entities = tuple(Entity("Asset", f"e{n}", f"10.{n}.7.{n * 3 % 250}", "") for n in range(60))
    edges = tuple(Relationship("HAS", "e1", f"e{n}", 0.9, "") for n in range(60))
    assert not is_loop(dumps(Graph(entities, edges)))
    assert not is_loop(json.dumps(json.loads(dumps(Graph(entities, edges))), indent=4))


def test_what_the_text_repeats_is_a_quotation():
    ruler = "-" * 200
    assert is_loop(f'{{"evidence":"{ruler}"}}')
    assert not is_loop(f'{{"evidence":"{ruler}"}}', f"Part one\n{ruler}\nPart two")


def test_every_finding_has_words():
    for code, finding in FINDINGS.items():
        assert finding.words, code
