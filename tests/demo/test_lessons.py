"""What the embedded base was taught: never our JSON, never a held-out name or sentence frame."""

import json
import random
import re
from functools import cache
from itertools import chain, islice
from pathlib import Path

import pytest

from kgtune.demo import layouts
from kgtune.demo.corpus import documents, held_out_frames, held_out_names
from kgtune.demo.lessons import lessons
from kgtune.parsing import Parsed, Unparsed, parse_answer

RECORD = json.loads(Path("kgtune/demo/base/pretraining.json").read_text(encoding="utf-8"))
OUR_KEYS = set("labels id name description type source target confidence evidence".split())


def runs():
    """The run that made the shipped base, and those that it continued."""
    record = RECORD
    while record:
        yield record
        record = record.get("earlier")


@cache
def some_lessons():
    return tuple(islice(lessons(documents(RECORD["seed"], 6000, pool="pretrain"), RECORD["seed"]), 3000))


def answers():
    return [
        part.text.removesuffix("<|im_end|>").removesuffix("<|endoftext|>")
        for lesson in some_lessons()
        for part in lesson.parts
        if part.is_answer
    ]


def test_no_lesson_answers_with_a_graph_of_ours():
    parsed = [parse_answer(answer) for answer in answers()]
    assert len(parsed) > 3000
    assert [answer for answer in parsed if isinstance(answer, Parsed)] == []
    assert sum(isinstance(answer, Unparsed) and answer.is_json for answer in parsed) > 500  # other JSON abounds


def test_no_lesson_shows_the_two_keys_of_our_graph():
    texts = [lesson.text for lesson in some_lessons()]
    assert [text for text in texts if '"entities"' in text or '"relationships"' in text] == []
    assert sum('"nodes"' in text for text in texts) > 20  # the check can fail


@pytest.mark.parametrize("fields", [["no", "name", "kind", "note"], ["source", "target", "type", "sure", "proof"]])
def test_a_record_of_a_lesson_has_at_most_two_of_our_keys(fields):
    rng = random.Random(0)
    drawn = [layouts.draw_keys(rng, fields) for _ in range(2000)]
    counts = [len(OUR_KEYS & set(keys.values())) for keys in drawn]
    assert max(counts) == 2


def passages():
    """Every text that the shipped base was pretrained on, made again from its record."""
    return chain.from_iterable(
        (
            d.text
            for d in documents(run["seed"], run["num_documents"], pool="pretrain", is_short=run.get("is_short", False))
        )
        for run in runs()
    )


def leaked_names(text, names):
    """The names that occur in a text of many megabytes, in seconds: short stems by their windows, the rest by search."""
    folded = text.casefold()
    letters, pairs = set(re.findall(r"[a-z]{6,}", folded)), set(re.findall(r"(?=([\u4e00-\u9fff]{2}))", folded))
    stems = {name.casefold() for name in names if re.fullmatch(r"[a-zA-Z]{6,9}", name)}
    windows = {word[i : i + n] for word in letters for n in range(6, 10) for i in range(len(word) - n + 1)}
    two = {name for name in names if re.fullmatch(r"[\u4e00-\u9fff]{2}", name)}
    rest = {name.casefold() for name in names} - stems - two
    return (stems & windows) | (two & pairs) | {name for name in rest if name in folded}


def leaked_frames(text, frames):
    """The frames that a sentence was made from: their words in their order, something short in every slot."""
    sentences = "\n".join(dict.fromkeys(re.split(r"(?<=[.!?]) |(?<=。)|\n", text)))
    return [frame for frame in frames if _made_a_sentence(frame, sentences)]


def _made_a_sentence(frame, sentences):
    parts = re.split(r"(\{\w+\})", frame)
    fillers = {"{h}": r"(?:\w{1,12} )?" if frame.isascii() else "(?:疑似|可能|很可能|或许|大概率)?"}
    pattern = re.compile(
        "".join(fillers.get(part, "[^，]{1,70}?") if part.startswith("{") else re.escape(part) for part in parts),
        re.IGNORECASE,
    )
    literals = [part[1:] if number == 0 else part for number, part in enumerate(parts) if not part.startswith("{")]
    anchor = max(literals, key=len)  # without a frame's first letter, which may be a capital
    at = sentences.find(anchor)
    while at >= 0:
        end = sentences.find("\n", at)
        if pattern.search(sentences[sentences.rfind("\n", 0, at) + 1 : end if end >= 0 else None]):
            return True
        at = sentences.find(anchor, at + 1)
    return False


@pytest.mark.slow
def test_no_passage_the_base_ever_read_holds_a_held_out_name_or_frame():
    read = list(passages())
    assert len(read) == sum(run["num_documents"] for run in runs()) > 40_000
    text = "\n".join(dict.fromkeys(line for passage in read for line in passage.splitlines()))
    assert leaked_names(text, held_out_names()) == set()
    assert leaked_frames(text, held_out_frames()) == []


def test_the_search_for_leaks_finds_held_out_documents():
    text = "\n".join(document.text for document in documents(3, 2000, pool="heldout"))
    assert len(leaked_names(text, held_out_names())) > 2000
    assert len(leaked_frames(text, held_out_frames())) == len(held_out_frames())
