"""Texts of any length through one extractor: windows of all texts together, one answer each, cancellation by text."""

import json
import threading

from kgtune.extraction.extractor import Extraction, ScriptedExtractor, Statistics
from kgtune.extraction.interruption import TextCancels
from kgtune.extraction.long_texts import LongTextExtractor
from kgtune.extraction.selection import Wanted, select
from kgtune.graph import EMPTY_TEXT, Graph
from kgtune.ontology.aliases import Aliases
from tests.fakes import CallingExtractor


def answer_of(*names, edges=()):
    entities = [{"labels": "Org", "id": f"e{n}", "name": name, "description": ""} for n, name in enumerate(names, 1)]
    relationships = [
        {"type": "USE", "source": f"e{s}", "target": f"e{t}", "confidence": 0.9, "evidence": evidence}
        for s, t, evidence in edges
    ]
    return json.dumps({"entities": entities, "relationships": relationships}, ensure_ascii=False)


def words(text):
    return len(text.split())


def long(inner, window=4, overlap=0, **given):
    return LongTextExtractor(inner, words, window, overlap, **given)


TEXT = "Tidal Fox used Vexa. Later 潮狐 used Vexa."
ANSWERS = {
    "Tidal Fox used Vexa.": answer_of("Tidal Fox", "Vexa", edges=[(1, 2, "Tidal Fox used Vexa")]),
    "Later 潮狐 used Vexa.": answer_of("潮狐", "Vexa", edges=[(1, 2, "潮狐 used Vexa")]),
}
ALIASES = Aliases([("Tidal Fox", "潮狐")])


def test_a_text_that_fits_passes_as_it_is():
    text = "  Tidal Fox slept. \n"
    inner = ScriptedExtractor({text: answer_of("Tidal Fox")})
    [found] = long(inner).extract([text])
    assert found == inner.extract([text])[0]
    assert found.merged is None


def test_a_text_that_fits_is_watched_and_one_in_windows_is_not():
    class Showing(CallingExtractor):
        def extract_watched(self, texts, watches, *, cancel=None):
            for text, watch in zip(texts, watches, strict=True):
                if watch is not None:
                    watch(text)
            return self.extract(texts, cancel=cancel)

    inner, shown = Showing(ScriptedExtractor(ANSWERS).extract), []
    texts = ["Short.", TEXT, "Also short."]
    watched = long(inner).extract_watched(texts, [shown.append, shown.append, None])
    assert watched == long(ScriptedExtractor(ANSWERS)).extract(texts)
    assert shown == ["Short."]


def test_a_text_may_be_longer_than_a_window_and_still_be_answered_as_it_is():
    inner = ScriptedExtractor({TEXT: answer_of("Tidal Fox")})
    [found] = long(inner, whole_tokens=words(TEXT)).extract([TEXT])
    assert (len(found.graph.entities), found.merged) == (1, None)
    [found] = long(inner, whole_tokens=words(TEXT) - 1).extract([TEXT])
    assert len(found.merged.windows) == 2


def test_a_long_text_gets_one_graph_with_places_in_the_whole_text():
    [found] = long(ScriptedExtractor(ANSWERS), aliases=ALIASES).extract([TEXT])
    assert [e.name for e in found.graph.entities] == ["Tidal Fox", "Vexa"]
    assert json.loads(found.raw_text)["entities"][0]["name"] == "Tidal Fox"
    shown, _ = select(found.graph, TEXT, Wanted(offsets=True), found.merged)
    tidal, vexa = shown["entities"]
    assert [(TEXT[m["start"] : m["end"]], m["window"]) for m in tidal["mentions"]] == [("Tidal Fox", 0), ("潮狐", 1)]
    assert [m["window"] for m in vexa["mentions"]] == [0, 1]
    assert tidal["names"] == ["Tidal Fox", "潮狐"]
    [edge] = shown["relationships"]
    assert [(TEXT[e["start"] : e["end"]], e["window"]) for e in edge["all_evidence"]] == [
        ("Tidal Fox used Vexa", 0),
        ("潮狐 used Vexa", 1),
    ]


def test_windows_of_all_texts_are_asked_together_and_come_back_in_order():
    calls = []

    def answer(texts):
        calls.append(texts)
        return ScriptedExtractor(ANSWERS).extract(texts)

    found = long(CallingExtractor(answer)).extract(["Nothing here.", TEXT, "Nothing there."])
    assert calls == [["Nothing here.", *ANSWERS, "Nothing there."]]
    assert [len(one.graph.entities) for one in found] == [0, 3, 0]
    assert [one.merged is not None for one in found] == [False, True, False]


def test_costs_and_statistics_add_up_and_a_cut_window_marks_the_whole():
    def answer(texts):
        reasons = ("stop", "length")
        return [
            Extraction(Graph(), EMPTY_TEXT, reasons[n], 10, 5, statistics=Statistics(num_forward_passes=n + 1))
            for n, _ in enumerate(texts)
        ]

    [found] = long(CallingExtractor(answer)).extract([TEXT])
    assert (found.num_prompt_tokens, found.num_answer_tokens, found.finish_reason) == (20, 10, "length")
    assert found.statistics.num_forward_passes == 3
    assert found.merged.lost == {"windows_cut_short": 1}


def test_a_window_without_graph_is_counted_and_without_any_graph_the_text_has_none():
    half = dict(list(ANSWERS.items())[:1])
    [found] = long(ScriptedExtractor(half, default="no graph")).extract([TEXT])
    assert (len(found.graph.entities), found.merged.lost) == (2, {"windows_without_graph": 1})
    [found] = long(ScriptedExtractor(default="no graph")).extract([TEXT])
    assert (found.graph, found.reason, found.raw_text, found.merged) == (None, "not_json", "no graph", None)


def test_a_window_knows_whether_its_text_is_still_wanted():
    seen = []

    class Watching(ScriptedExtractor):
        def extract(self, texts, *, cancel=None):
            seen.append([event.is_set() for event in cancel])
            return super().extract(texts)

    cancels = TextCancels(2)
    cancels.cancel_text(1)
    long(Watching()).extract(["Short.", TEXT], cancel=cancels)
    assert seen == [[False, True, True]]
    flag = threading.Event()
    flag.set()
    [found] = long(ScriptedExtractor(ANSWERS)).extract([TEXT], cancel=flag)
    assert found.finish_reason == "cancelled"


def test_many_windows_are_asked_in_parts_and_told():
    told, sizes = [], []

    def answer(texts):
        sizes.append(len(texts))
        return ScriptedExtractor().extract(texts)

    text = "".join(f"Sentence number {n} here. " for n in range(600))
    inner = CallingExtractor(answer)
    long(inner, progress=lambda *said: told.append(said)).extract([text])
    assert sizes == [256, 256, 88]
    assert [said[:2] for said in told] == [(256, 600), (512, 600), (600, 600)]
    assert [bool(said[2]) for said in told] == [True, True, False]


def test_of_windows_that_one_call_answers_nothing_is_told():
    told = []
    text = "".join(f"Sentence number {n} here. " for n in range(200))
    long(ScriptedExtractor(), progress=lambda *said: told.append(said)).extract([text])
    assert told == []


def test_of_a_text_with_one_window_cancelled_the_whole_is_cancelled():
    def answer(texts):
        finishes = ("length", "cancelled")
        return [Extraction(Graph(), EMPTY_TEXT, finish, 1, 1) for finish, _ in zip(finishes, texts, strict=True)]

    [found] = long(CallingExtractor(answer)).extract([TEXT])
    assert found.finish_reason == "cancelled"


def test_a_text_without_any_graph_has_the_reason_and_the_answer_of_its_first_window():
    first, second = ANSWERS
    [found] = long(ScriptedExtractor({first: "no graph", second: "[]"})).extract([TEXT])
    assert (found.reason, found.raw_text) == ("not_json", "no graph")
