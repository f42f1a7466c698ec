"""Messy files of invented actors and what --check says of them, in both languages, and what --fix makes of them.

After a change that is meant: ``KGTUNE_UPDATE_GOLDEN=1 python -m pytest tests/lint/test_golden.py``, and read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kgtune import lint, ontology
from kgtune.lint import catalogue, mending
from kgtune.lint.report import Tally
from kgtune.sources import read_raw

GOLDEN = Path(__file__).resolve().parent / "golden"
FILES = ("messy.json", "messy_chunks.json", "broken.jsonl")


def held_to(path, text):
    if os.environ.get("KGTUNE_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.fixture
def tally(monkeypatch):
    monkeypatch.chdir(GOLDEN)

    def of(name):
        raw_set = read_raw([Path(name)])
        made = Tally()
        for finding in lint.check(
            raw_set.documents,
            ontology.load("threat_event"),
            problems=raw_set.problems,
            paths=[Path(name)],
        ):
            made.add(finding)
        return made

    return of


@pytest.mark.parametrize("lang", catalogue.LANGS)
@pytest.mark.parametrize("name", FILES)
def test_what_check_says(tally, name, lang):
    held_to(GOLDEN / f"{name}.check.{lang}.txt", tally(name).as_text(lang, most_per_code=5, strict=True) + "\n")


@pytest.mark.parametrize("name", FILES[:2])
def test_what_fix_makes_of_it(monkeypatch, name):
    monkeypatch.chdir(GOLDEN)
    plan = mending.mending(Path(name), ontology.load("threat_event"))
    assert plan is not None
    held_to(GOLDEN / f"{name}.fixed.diff", mending.diff(plan, f"{name}.fixed"))


def test_the_files_show_most_codes(tally):
    """A code that no messy file shows is at least named here, so that a new one is not forgotten."""
    shown = {code for name in FILES for code in tally(name).by_code}
    own = {code for code in catalogue.entries() if not code.startswith("E-")}
    assert own - shown == {
        # encodings, line ends and commas stand in test_mending: editors and git would mend the golden files
        "F-ENCODING", "F-NEWLINE", "F-COMMA",
        # need many documents, splits, a limit or another ontology: test_corpus, test_leaks, test_lint
        "N-RARE-LABEL", "N-RARE-TYPE", "N-CONFIDENCE-CONSTANT", "N-SAME-TEXT", "W-TWO-NAMES", "W-SPLIT-LEAK",
        "W-LENGTH", "W-ONTOLOGY",
        "N-ONTOLOGY",
        # nothing in or around the evidence may stand for the name: test_document
        "N-EVIDENCE-END",
    }  # fmt: skip
