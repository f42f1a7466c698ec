"""The answer of the API: exactly the graph, and additions only where they were asked for."""

import asyncio
import json
from collections import Counter
from dataclasses import asdict, replace
from urllib.parse import unquote

import pytest

from kgtune.extraction import merging
from kgtune.extraction.extractor import CANNED_ANSWER, Statistics, read_answer
from kgtune.extraction.selection import Wanted
from kgtune.grounding import Span
from kgtune.ontology.aliases import Aliases
from kgtune.service import answering
from kgtune.service.answering import Asked
from kgtune.service.jobs import Job
from kgtune.service.refusals import RefusalError

TEXT = "GlassViper used NightLoom against Northwind Bank."


def job() -> Job:
    loop = asyncio.new_event_loop()
    made = Job(TEXT, 10, 0.0, 60.0, loop.create_future(), loop)
    loop.close()
    made.waited_s, made.worked_s, made.num_in_batch = 0.25, 1.5, 3
    return made


def answer(raw: str = CANNED_ANSWER, finish="stop", **asked):
    extraction = read_answer(raw, finish, 70, 30)
    return answering.answer(extraction, job(), Asked(TEXT, asked.pop("wanted", Wanted(id_style="numbered")), **asked))


def test_nothing_asked_is_exactly_the_graph():
    found = answer()
    assert (found.content.decode(), found.media_type, found.headers) == (CANNED_ANSWER, "application/json", {})


def test_stats_are_a_key_beside_the_graph():
    value = json.loads(answer(stats=True).content)
    assert list(value) == ["entities", "relationships", "stats"]
    assert value["stats"] == {
        "finish_reason": "stop", "num_prompt_tokens": 70, "num_answer_tokens": 30, "queue_ms": 250.0,
        "extract_ms": 1500.0, "num_texts_in_batch": 3, "dropped": {}, "withheld": {}, "ungrounded": {},
    }  # fmt: skip


def test_offsets_are_inside_the_items_and_no_stats_come_with_them():
    value = json.loads(answer(wanted=Wanted(offsets=True)).content)
    assert list(value) == ["entities", "relationships"]
    assert value["entities"][1]["mentions"] == [{"start": 16, "end": 25, "level": "exact"}]
    assert value["relationships"][0]["evidence_at"] == {"start": 0, "end": 25, "level": "exact"}


def test_faults_are_headers():
    raw = CANNED_ANSWER.replace('"target":"e3"', '"target":"e9"')
    found = answer(raw, "length", num_control_characters=2)
    assert found.headers == {"X-Truncated": "true", "X-Dropped": "1", "X-Control-Characters": "2"}


def test_findings_of_any_script_and_number_are_a_header_that_can_be_sent():
    told = answering.findings_header(Counter({"no STIX relationship: 工具\r\nX; USE": 2, "100 %": 1}))
    said = "2 no STIX relationship: %E5%B7%A5%E5%85%B7%0D%0AX%3B USE; 1 100 %25"
    assert told == {"X-Export-Findings": said}
    assert unquote(said.partition(";")[0]) == "2 no STIX relationship: 工具\r\nX; USE"
    many = answering.findings_header(Counter({f"{number}{'夜' * 1000}": 1 for number in range(9)}))
    assert many["X-Export-Findings"].endswith("; and 4 more")
    assert len(many["X-Export-Findings"]) < 5_000
    assert answering.findings_header(Counter()) == {}


def test_of_a_text_in_windows_headers_and_stats_say_what_was_lost():
    read = read_answer(CANNED_ANSWER, "stop", 70, 30)
    windows = [Span(0, len(TEXT)), Span(0, len(TEXT))]
    merged = merging.merge(TEXT, windows, [read.graph, None], Aliases())
    whole = replace(read, graph=merged.graph, merged=merged)
    found = answering.answer(whole, job(), Asked(TEXT, Wanted(), stats=True))
    assert (found.headers["X-Windows"], found.headers["X-Lost"]) == ("2", "1")
    stats = json.loads(found.content)["stats"]
    assert (len(stats["windows"]), stats["lost"]) == (2, {"windows_without_graph": 1})


def test_an_answer_that_is_no_graph_is_refused():
    with pytest.raises(RefusalError) as caught:
        answer("no graph")
    assert caught.value.status == 502


def test_additions_have_no_place_in_other_formats():
    answering.check_format("json", stats=True, offsets=True)
    answering.check_format("graphml", stats=False, offsets=False)
    for wishes in ({"stats": True, "offsets": False}, {"stats": False, "offsets": True}):
        with pytest.raises(RefusalError, match="has no place for stats or offsets"):
            answering.check_format("graphml", **wishes)


def test_the_decoders_own_statistics_are_shown_where_there_are_some():
    told = replace(read_answer(CANNED_ANSWER, "stop", 70, 30), statistics=Statistics(num_forward_passes=12))
    found = answering.answer(told, job(), Asked(TEXT, Wanted(), stats=True))
    assert json.loads(found.content)["stats"]["decoding"] == asdict(Statistics(num_forward_passes=12))
