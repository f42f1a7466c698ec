"""Names that are annotated elsewhere and were likely missed here."""

from __future__ import annotations

import time

from kgtune import ontology
from kgtune.graph import Entity, Graph
from kgtune.lint.mentions import MissedMentions
from kgtune.sources import RawDocument

ONTOLOGY = ontology.load("threat_event")


def document(number, text, *entities):
    graph = Graph(tuple(Entity(label, f"e{n}", name) for n, (label, name) in enumerate(entities)))
    return RawDocument(f"d{number}", "x", text, graph, "en", where=f"raw.json:{number}: item {number}")


def told(*documents, by=ONTOLOGY):
    mentions = MissedMentions(by)
    for one in documents:
        mentions.learn(one)
    for one in documents:
        mentions.scan(one)
    return [(f.place.record, f.value, f.facts["start"], f.facts["end"]) for f in mentions.findings()]


RAT = ("Tool", "LanternRAT")


def test_a_name_that_another_document_annotates_is_told_with_its_offsets():
    text = "Later, LanternRAT came back."
    assert told(document(1, "LanternRAT came.", RAT), document(2, text)) == [(2, "LanternRAT", 7, 17)]
    assert text[7:17] == "LanternRAT"
    assert told(document(1, "青灯木马出现。", ("Tool", "青灯木马")), document(2, "随后青灯木马再现。")) == [
        (2, "青灯木马", 2, 6)
    ]


def test_what_is_annotated_here_in_any_spelling_is_not_missed():
    assert told(document(1, "LanternRAT came.", RAT), document(2, "LanternRAT left.", ("Tool", "lanternrat"))) == []


def test_a_part_of_a_longer_name_a_word_or_an_indicator_is_no_mention():
    known = document(1, "LanternRAT came.", RAT)
    assert told(known, document(2, "LanternRAT Pro left.", ("Tool", "LanternRAT Pro"))) == []
    assert told(known, document(2, "MyLanternRATs left.")) == []
    assert told(known, document(2, "See http://x.test/LanternRAT/a now.")) == []


def test_of_two_known_names_the_longer_one_is_told():
    documents = [document(1, "x", ("Tool", "LanternRAT Pro")), document(2, "x", RAT)]
    assert told(*documents, document(3, "LanternRAT Pro left.")) == [(3, "LanternRAT Pro", 0, 14)]


def test_common_words_short_names_and_phrases_are_left_out():
    names = [("Tool", "agent"), ("Tool", "Go"), ("Target", "中国"), ("Technique", "Spear Phishing")]
    text = "An agent in Go hit 中国 by Spear Phishing."
    assert told(document(1, text, *names), document(2, text)) == []


def test_a_name_that_most_documents_do_not_annotate_is_no_name_that_is_annotated():
    annotated = [document(n, "Windows came.", ("Asset", "Windows")) for n in range(3)]
    missed = [document(10 + n, "Windows came.") for n in range(3)]
    assert len(told(*annotated, *missed)) == 3
    assert told(*annotated, *missed, document(20, "Windows came.")) == []


def test_a_derived_ontology_whose_labels_ask_nothing_for_certain_has_missed_mentions_too():
    derived = ontology.derive({"Badger": 1}, {"r": 1})
    assert told(document(1, "Brock came.", ("Badger", "Brock")), document(2, "Brock left."), by=derived) == [
        (2, "Brock", 0, 5)
    ]


def test_ten_times_the_names_do_not_take_ten_times_the_time():
    def seconds(number):
        names = [("Tool", f"CVE-2031-{n:05d}") for n in range(number)]
        documents = [
            document(1, "x", *names),
            *(document(n, "See CVE-2031-99999 and more text. " * 300) for n in range(2, 12)),
        ]
        mentions = MissedMentions(ONTOLOGY)
        for one in documents:
            mentions.learn(one)
        start = time.process_time()
        for one in documents:
            mentions.scan(one)
        return time.process_time() - start

    assert seconds(20_000) < 4 * seconds(2_000) + 0.2
