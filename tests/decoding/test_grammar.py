"""The grammar: every canonical graph over a text is let through, and nothing else."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgtune import graph, grounding, ontology
from kgtune.decoding import grammar
from kgtune.decoding.grammar import Rules
from kgtune.graph import Entity, Graph, Relationship
from tests import hostile, letters

LABELS = ("Tool", "ThreatOrganization", "Tooling", "目标", 'odd "label" \\ here')
TYPES = ("USE", "ATTACK", "USES")
FULL = Rules(LABELS, TYPES, verbatim_labels=frozenset({"Tool", "目标"}), is_evidence_verbatim=True, max_entities=12)
SHAPE = replace(FULL, is_closed=False, verbatim_labels=frozenset(), is_evidence_verbatim=False)
TEXT = 'GlassViper used "NightLoom" at C:\\temp\\x.exe against 北风银行 in 2021.\nΩ 😀 end'
SOME = Graph(
    (
        Entity("ThreatOrganization", "e1", "GlassViper", "a group"),
        Entity("Tool", "e2", '"NightLoom" at C:\\temp'),
        Entity("目标", "e3", "北风银行"),
    ),
    (
        Relationship("USE", "e1", "e2", 0.95, 'GlassViper used "NightLoom" at C:\\temp\\x.exe'),
        Relationship("ATTACK", "e1", "e3", 1.0, ".\nΩ 😀 end"),
        Relationship("USES", "e3", "e2", 0.0),
    ),
)


def refused_at(answer: str, rules: Rules = FULL, text: str = TEXT) -> int | None:
    return letters.refused_at(letters.vocabulary().matching(grammar.lark(rules, text)), answer)


def slices(text: str, rng: random.Random, longest: int) -> str:
    """Cut some words out of the text and strip them, as readers strip names and evidence."""
    words = list(grounding.words(text))
    start = rng.randrange(len(words))
    return "".join(words[start : start + rng.randint(1, longest)]).strip()


def random_graph(text: str, rng: random.Random, rules: Rules) -> Graph:
    """Draw a graph that the rules allow, as a reader would have made it: stripped, canonical."""
    entities = []
    for number in range(rng.randint(0, 4)):
        label = rng.choice(rules.labels)
        is_free = label not in rules.verbatim_labels
        name = slices(hostile.text(rng) if is_free and rng.random() < 0.5 else text, rng, 40)
        if name:
            description = slices(hostile.text(rng), rng, 60) if rules.has_descriptions and rng.random() < 0.3 else ""
            entities.append(Entity(label, f"x{number}", name, description))
    edges = tuple(
        Relationship(
            rng.choice(rules.types),
            rng.choice(entities).id,
            rng.choice(entities).id,
            rng.random(),
            slices(text, rng, 80),
        )
        for _ in range(rng.randint(0, 5) if entities else 0)
    )
    return graph.canonical(Graph(tuple(entities), edges), text)


@pytest.mark.property
@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_every_canonical_graph_over_a_text_is_let_through(seed: int) -> None:
    rng = random.Random(seed)
    text = hostile.text(rng) or "x"
    rules = replace(FULL, has_descriptions=rng.random() < 0.5)
    drawn = random_graph(text, rng, rules)

    answer = graph.dumps(drawn)

    assert refused_at(answer, rules, text) is None
    assert refused_at(answer, replace(SHAPE, has_descriptions=True), text) is None


def swapped(answer: str, first: str, second: str) -> str:
    return answer.replace(first, "\0").replace(second, first).replace("\0", second)


ANSWER = graph.dumps(SOME)
MUTATIONS = {
    "a dangling target": ANSWER.replace('"target":"e3"', '"target":"e4"'),
    "a target that is no id": ANSWER.replace('"target":"e3"', '"target":"北风银行"'),
    "an id with a zero before it": ANSWER.replace('"target":"e3"', '"target":"e03"'),
    "an id gap": ANSWER.replace("e3", "e4"),
    "a duplicate id": ANSWER.replace('"id":"e2"', '"id":"e1"'),
    "ids in another order": swapped(ANSWER, '"id":"e1"', '"id":"e2"'),
    "an unknown label": ANSWER.replace('"labels":"Tool"', '"labels":"Weapon"'),
    "a label that only begins like one": ANSWER.replace('"labels":"Tool"', '"labels":"Tooli"'),
    "an unknown type": ANSWER.replace('"type":"USE"', '"type":"OWN"'),
    "a label in another case": ANSWER.replace('"labels":"Tool"', '"labels":"tool"'),
    "swapped keys": ANSWER.replace('"labels":"Tool","id":"e2"', '"id":"e2","labels":"Tool"'),
    "a missing key": ANSWER.replace(',"description":"a group"', ""),
    "an extra key": ANSWER.replace('"description":"a group"', '"description":"a group","note":""'),
    "a duplicate key": ANSWER.replace('"id":"e2"', '"id":"e2","id":"e2"'),
    "a space behind a comma": ANSWER.replace('"id":"e2",', '"id":"e2", '),
    "a space behind a colon": ANSWER.replace('"confidence":', '"confidence": '),
    "a space before it all": " " + ANSWER,
    "a newline after it all": ANSWER + "\n",
    "a second graph": ANSWER + ANSWER,
    "a code fence": f"```json\n{ANSWER}\n```",
    "an empty name": ANSWER.replace('"name":"GlassViper"', '"name":""'),
    "a blank name": ANSWER.replace('"name":"GlassViper"', '"name":" "'),
    "a name of escaped white space": ANSWER.replace('"name":"GlassViper"', '"name":"\\n"'),
    "a verbatim name that is not in the text": ANSWER.replace('"name":"北风银行"', '"name":"南风银行"'),
    "a verbatim name in another case": ANSWER.replace(r'"name":"\"NightLoom', r'"name":"\"nightLoom'),
    "evidence that is not in the text": ANSWER.replace("GlassViper used", "GlassViper has used"),
    "evidence with a character less": ANSWER.replace("Viper used", "Vper used"),
    "a verbatim name that is a part of a word": ANSWER.replace(r'"name":"\"NightLoom\"', r'"name":"Night'),
    "evidence that ends inside a word": ANSWER.replace(r"\\x.exe", r"\\x.ex"),
    "evidence that begins inside a word": ANSWER.replace('"evidence":"GlassViper', '"evidence":"lassViper'),
    "evidence of two places": ANSWER.replace(r"\nΩ 😀 end", r"\nΩ end"),
    "confidence 1.5": ANSWER.replace(":0.95,", ":1.5,"),
    "confidence -0.5": ANSWER.replace(":0.95,", ":-0.5,"),
    "confidence 1": ANSWER.replace(":1.0,", ":1,"),
    "confidence 1.01": ANSWER.replace(":1.0,", ":1.01,"),
    "three decimals": ANSWER.replace(":0.95,", ":0.951,"),
    "a zero at the end": ANSWER.replace(":0.95,", ":0.90,"),
    "two zeros": ANSWER.replace(":0.0,", ":0.00,"),
    "no zero before the point": ANSWER.replace(":0.95,", ":.95,"),
    "an exponent": ANSWER.replace(":0.95,", ":9.5e-1,"),
    "NaN": ANSWER.replace(":0.95,", ":NaN,"),
    "a confidence in words": ANSWER.replace(":0.95,", ':"high",'),
    "a bad escape": ANSWER.replace('"description":"a group"', r'"description":"C:\q"'),
    "a backslash that is not escaped": ANSWER.replace(r"\"NightLoom\" at C:\\temp", r"\"NightLoom\" at C:\temp"),
    "an escaped slash": ANSWER.replace('"name":"GlassViper"', r'"name":"a\/b"'),
    "a character spelled as an escape": ANSWER.replace('"name":"GlassViper"', r'"name":"\u0047lassViper"'),
    "an escape in upper case": ANSWER.replace('"description":"a group"', r'"description":"\u001B"'),
    "a tab spelled as a number": ANSWER.replace('"description":"a group"', r'"description":"\u0009"'),
    "a raw newline": ANSWER.replace(r".\nΩ", ".\nΩ"),
    "a raw control character": ANSWER.replace('"description":"a group"', '"description":"a\x07"'),
    "half a character": ANSWER.replace('"description":"a group"', r'"description":"\ud83d"'),
    "null": ANSWER.replace('"description":"a group"', '"description":null'),
    "a list of labels": ANSWER.replace('"labels":"Tool"', '"labels":["Tool"]'),
    "a comma behind the last item": ANSWER.replace("}],", "},],"),
    "no relationships": re.sub(r',"relationships":.*', "}", ANSWER),
    "relationships first": '{"relationships":[],"entities":[]}',
    "a relationship without entities": re.sub(r'"entities":\[.*?\],', '"entities":[],', ANSWER),
    "an answer that is cut": ANSWER[:-1],
    "nothing": "",
}  # fmt: skip


def test_the_graph_that_the_mutations_begin_with_is_let_through() -> None:
    assert refused_at(ANSWER) is None


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_a_mutation_is_refused(name: str) -> None:
    assert len(MUTATIONS) == 59
    assert MUTATIONS[name] != ANSWER

    assert refused_at(MUTATIONS[name]) is not None


@pytest.mark.property
@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_whatever_is_let_through_is_a_valid_grounded_graph(seed: int) -> None:
    """Change an answer at random; where the grammar still takes it, it is the canonical text of a valid graph."""
    rng = random.Random(seed)
    text = hostile.text(rng) or "x"
    answer = graph.dumps(random_graph(text, rng, FULL))
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(answer))
        kind = rng.randrange(4)
        piece = rng.choice(
            [answer[rng.randrange(len(answer)) :][:5], rng.choice(hostile.SHARDS), rng.choice('"e12,{}[]:0.59')]
        )
        answer = answer[:at] + ("" if kind == 0 else piece) + answer[at + (kind != 1) + 4 * (kind == 3) :]
    if refused_at(answer, FULL, text) is not None:
        return

    read, problems = graph.from_object(json.loads(answer))

    assert problems == []
    assert read is not None
    assert graph.dumps(read) == answer
    assert graph.reference_problems(read) == []
    assert [entity.id for entity in read.entities] == [f"e{n}" for n in range(1, len(read.entities) + 1)]
    assert {entity.labels for entity in read.entities} <= set(LABELS)
    assert {edge.type for edge in read.relationships} <= set(TYPES)
    assert [e.name for e in read.entities if e.labels in FULL.verbatim_labels and e.name not in text] == []
    assert [edge.evidence for edge in read.relationships if edge.evidence not in text] == []
    assert {graph.round_confidence(edge.confidence) - edge.confidence for edge in read.relationships} <= {0.0}


@pytest.mark.parametrize("hundredths", range(101))
def test_every_confidence_with_two_decimals_has_one_spelling(hundredths: int) -> None:
    one = graph.dumps(
        graph.canonical(
            Graph((Entity("Tool", "a", "NightLoom"),), (Relationship("USE", "a", "a", hundredths / 100),)), TEXT
        )
    )

    assert refused_at(one) is None


def test_a_name_may_begin_with_a_backslash_a_quote_or_a_control_character() -> None:
    for name in ("\\\\server\\share", '"quoted"', "\x07bell", "\x08back", "\x1b[31m"):
        assert refused_at(graph.dumps(Graph((Entity("Tool", "e1", name),))), text=f"see {name} there") is None, name


def test_a_free_label_takes_any_name_and_a_verbatim_one_only_the_texts() -> None:
    assert refused_at(graph.dumps(Graph((Entity("ThreatOrganization", "e1", "not in the text"),)))) is None
    assert refused_at(graph.dumps(Graph((Entity("Tool", "e1", "not in the text"),)))) is not None


def test_strings_have_a_longest_length_counted_in_characters() -> None:
    short = replace(FULL, max_name_chars=5, max_evidence_chars=7)
    text = 'ab"\\\n😀cdefghij'

    def answer(name: str, evidence: str) -> str:
        return graph.dumps(Graph((Entity("Tool", "e1", name),), (Relationship("USE", "e1", "e1", 0.5, evidence),)))

    assert refused_at(answer(text[:5], text[:7]), short, text) is None
    assert refused_at(answer(text[:6], ""), short, text) is not None
    assert refused_at(answer(text[:5], text[:8]), short, text) is not None
    free = replace(short, verbatim_labels=frozenset(), is_evidence_verbatim=False)
    assert refused_at(answer("vwxyz", "1234567"), free, text) is None
    assert refused_at(answer("uvwxyz", ""), free, text) is not None
    assert refused_at(answer("vwxyz", "12345678"), free, text) is not None


def test_descriptions_are_empty_where_none_were_trained() -> None:
    rules = replace(FULL, has_descriptions=False)

    assert refused_at(ANSWER, rules) is not None
    assert refused_at(ANSWER.replace("a group", ""), rules) is None


def test_no_more_entities_than_allowed_and_the_list_can_be_ended_early() -> None:
    many = Graph(tuple(Entity("ThreatOrganization", f"e{n}", f"G{n}") for n in range(1, 13)))
    more = Graph((*many.entities, Entity("ThreatOrganization", "e13", "G13")))
    vocabulary = letters.vocabulary()

    assert refused_at(graph.dumps(many)) is None
    # at the comma: behind one there would be no way on
    assert refused_at(graph.dumps(more)) == graph.dumps(many).index("],")
    ended = vocabulary.matching(grammar.lark(FULL, TEXT, max_entities=3))
    assert letters.refused_at(ended, ANSWER) is None
    ended = vocabulary.matching(grammar.lark(FULL, TEXT, max_entities=2))
    assert letters.refused_at(ended, ANSWER) is not None


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (replace(FULL, labels=()), TEXT),
        (replace(FULL, labels=("Tool",)), " \n\t"),
        (replace(FULL, labels=("Tool",)), ""),
    ],
)
def test_where_no_entity_can_be_named_the_empty_graph_is_all_there_is(rules: Rules, text: str) -> None:
    assert refused_at(graph.EMPTY_TEXT, rules, text) is None
    assert refused_at(ANSWER, rules, text) is not None
    assert bytes(letters.vocabulary().matching(grammar.lark(rules, text)).forced()) == graph.EMPTY_TEXT.encode()


def test_without_types_there_are_entities_and_no_relationships() -> None:
    rules = replace(FULL, types=())

    assert refused_at(graph.dumps(Graph(SOME.entities)), rules) is None
    assert refused_at(ANSWER, rules) is not None


def test_the_shape_alone_knows_neither_references_nor_the_text() -> None:
    loose = Graph(
        (Entity("Tool", "tool--x", "invented"), Entity("Tool", "tool--x", "invented")),
        (Relationship("USE", "nobody", "北风", 0.5, "said nowhere"),),
    )

    assert refused_at(graph.dumps(loose), SHAPE) is None
    assert refused_at(graph.dumps(loose)) is not None
    for broken in ("swapped keys", "an unknown label", "an extra key", "NaN", "a bad escape", "a space behind a comma"):
        assert refused_at(MUTATIONS[broken], SHAPE) is not None, broken


@pytest.mark.parametrize("name", ontology.SHIPPED)
def test_the_shipped_ontologies_make_a_grammar(name: str) -> None:
    known = ontology.load(name)
    rules = Rules(
        known.label_names, known.type_names, verbatim_labels=frozenset(known.label_names), is_evidence_verbatim=True
    )
    everything = Graph(
        tuple(Entity(label, f"e{n}", "NightLoom") for n, label in enumerate(known.label_names, start=1)),
        tuple(Relationship(kind, "e1", "e2", 0.9, "used") for kind in known.type_names),
    )

    assert len(everything.entities) >= 9
    assert refused_at(graph.dumps(everything), rules) is None


def test_references_and_ids_are_forced_where_there_is_one_choice() -> None:
    matching = letters.vocabulary().matching(grammar.lark(replace(FULL, has_descriptions=False), TEXT))
    written = b'{"entities":[{"labels":"Tool"'
    for byte in written:
        matching.take(byte)

    assert bytes(matching.forced()) == b',"id":"e1","name":"'
