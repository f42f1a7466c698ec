"""One text's way through the service, without HTTP."""

import asyncio
import logging

import pytest

from kgtune import ontology
from kgtune.document import Source
from kgtune.extraction.extractor import ScriptedExtractor, scripted
from kgtune.service import exchange
from kgtune.service.admission import Bounds
from kgtune.service.bodies import Wishes
from kgtune.service.engine import Engine
from kgtune.service.exchange import THREADED_CHARS, Exchange, estimate_tokens
from kgtune.service.metrics import Metrics
from kgtune.service.refusals import RefusalError
from kgtune.settings import Config
from tests.fakes import LIMIT_S


def exchange_of(load=scripted) -> Exchange:
    metrics = Metrics()
    engine = Engine(load, Bounds(4, 8), metrics)
    engine.start()
    engine.wait_loaded(LIMIT_S)
    return Exchange(engine, Config(), metrics)


@pytest.fixture
def ready():
    found = exchange_of()
    yield found
    found.engine.stop()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("a", 1), ("abc", 1), ("abcd", 2), ("夜织机", 3), ("夜 used 织机", 3 + 2), ("，。", 2), ("한글カナ", 4)],
)
def test_tokens_are_guessed_by_characters(text, expected):
    assert estimate_tokens(text) == expected


def test_a_name_that_the_ontology_does_not_have_is_refused_with_the_nearest(ready):
    for wishes, says in (
        (
            Wishes(labels=["Tool", "Tol"]),
            'body.labels: the model\'s ontology has no "Tol". Did you mean "Tool"? Or leave it out.',
        ),
        (
            Wishes(types=["USES"]),
            'body.types: the model\'s ontology has no "USES". Did you mean "USE"? Or leave it out.',
        ),
    ):
        with pytest.raises(RefusalError) as caught:
            ready.asked("a", wishes, Source(), where="body.text")
        assert (caught.value.status, caught.value.message) == (422, says)


def test_names_are_not_checked_where_no_ontology_is_known():
    found = exchange_of(ScriptedExtractor)
    asked = found.asked("a", Wishes(labels=["Anything"]), Source(), where="body.text")
    found.engine.stop()
    assert asked.wanted.labels == {"Anything"}


def test_labels_whose_names_need_not_stand_in_a_text_are_the_ontology_s():
    known = ontology.load("stix21")
    found = exchange_of(lambda: ScriptedExtractor(ontology=known))
    asked = found.asked("a", Wishes(), Source(), where="body.text")
    found.engine.stop()
    assert asked.wanted.unanchored == known.unanchored
    assert "note" in asked.wanted.unanchored


@pytest.mark.parametrize("num_chars", [10, THREADED_CHARS * 2])
def test_short_and_long_texts_are_answered_alike(ready, num_chars):
    text = "GlassViper used NightLoom against Northwind Bank. ".ljust(num_chars, ".")
    asked = ready.asked(text, Wishes(), Source(), where="body.text")
    answer, extraction = asyncio.run(ready.answer(asked))
    assert len(answer.graph.entities) == 3
    assert extraction.finish_reason == "stop"
    assert 'kgtune_items_total{kind="name"} 3.0' in ready.metrics.text().decode()


def test_the_log_has_length_and_hash_of_a_text_and_no_more(caplog):
    assert exchange.noted("abc") == {"chars": 3, "sha256": "ba7816bf8f01"}
    assert exchange.noted("\ud800")["chars"] == 1
    with caplog.at_level(logging.DEBUG):
        exchange.noted("hush-hush")
    assert "hush-hush" not in caplog.text
