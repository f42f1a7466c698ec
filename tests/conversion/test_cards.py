from __future__ import annotations

from dataclasses import replace

from kgtune.conversion.cards import KEY_BYTES, card_of, name_keys
from kgtune.graph import Entity, Graph
from kgtune.sources import RawDocument

GRAPH = Graph((Entity("Tool", "a", "Latch"), Entity("Tool", "b", "ＬＡＴＣＨ"), Entity("Asset", "c", "x.example")))
DOCUMENT = RawDocument("r1", "d1", "Latch asked x.example.", GRAPH, "en")


def test_a_card_holds_what_a_document_is_placed_by() -> None:
    card = card_of(DOCUMENT)
    assert (card.id, card.doc_id, card.group_id, card.split, card.lang) == ("r1", "d1", "", None, "en")
    assert (card.labels, card.is_empty) == (("Asset", "Tool"), False)
    assert card_of(replace(DOCUMENT, graph=Graph())).is_empty


def test_texts_that_differ_in_case_alone_share_one_key_of_two() -> None:
    one, other = card_of(DOCUMENT), card_of(replace(DOCUMENT, text=DOCUMENT.text.upper()))
    assert one.text_key != other.text_key
    assert one.folded_key == other.folded_key


def test_a_name_in_two_spellings_has_one_key() -> None:
    assert len(card_of(DOCUMENT).names) == 2 * KEY_BYTES
    assert name_keys(["Latch"]) == name_keys(["LATCH", "latch"])
    assert name_keys(["Latch"]) != name_keys(["Latches"])


def test_labels_are_rewritten_where_there_are_other_words() -> None:
    card = card_of(DOCUMENT)
    assert card.with_labels({"Tool": "Asset"}.get).labels == ("Asset",)
    assert card.with_labels({"Other": "x"}.get) is card
