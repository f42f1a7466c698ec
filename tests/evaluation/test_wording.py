"""Everything that a report names has words in both languages."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from kgtune.evaluation import charts, overview, wording
from kgtune.evaluation.evaluation import Which
from kgtune.scoring import remedies, tables
from kgtune.scoring.column import CELLS
from kgtune.scoring.comparison import Verdict
from kgtune.scoring.sample import TRAITS
from kgtune.scoring.taxonomy import FINDINGS
from kgtune.training.confidence import Kind

HAN = re.compile("[\u3400-\u9fff]")


def test_every_finding_and_its_advice_has_chinese_words():
    assert len(FINDINGS) >= 20
    assert set(wording._FINDINGS_ZH) == set(FINDINGS)
    for code in FINDINGS:
        assert HAN.search(wording.finding(code).zh)
        assert wording.finding(code).en == FINDINGS[code].words


@pytest.mark.parametrize("name", sorted(remedies.REMEDIES))
def test_an_advice_names_the_same_settings_and_files_in_both_languages(name):
    keys = r"--[a-z]+|[a-z_]+\.[a-z_]+(?:=[\w{]+)?"
    chinese = wording._REMEDIES_ZH[name]
    assert HAN.search(chinese)
    assert set(re.findall(keys, remedies.REMEDIES[name])) == set(re.findall(keys, chinese, re.ASCII))


def test_every_remedy_and_every_column_has_words_in_both_languages():
    assert set(wording._REMEDIES_ZH) == set(remedies.REMEDIES)
    assert wording.advice("quotes", "after", "full").en == remedies.told("quotes", "after", "full")
    assert "decoding.constraint=full" in wording.advice("quotes", "after", "full").zh
    assert [name for name, _ in wording.legend(get_args(Which))] == list(get_args(Which))
    assert all(HAN.search(words.zh) for _, words in wording.legend(get_args(Which)))
    assert wording.legend(["theirs"]) == []


def test_every_metric_that_is_shown_has_words():
    shown = {*tables.RATES, *tables.CONFIDENCE, *overview.SCORES, *charts.INTERVALS}
    assert len(shown) >= 21
    for name in shown:
        assert HAN.search(wording.metric(name).zh)
        assert not HAN.search(wording.metric(name).en)


def test_columns_verdicts_and_slices_are_those_of_the_results():
    assert set(wording.COLUMNS) == set(get_args(Which))
    assert set(wording.VERDICTS) == set(get_args(Verdict))
    assert set(wording.DIMENSIONS) == {*TRAITS, *CELLS}
    assert wording.column("other") == ("other", "other")


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_confidence_that_users_can_get_has_words(kind):
    told = wording.confidence({"kind": kind, "is_measured": False, "num_items": 7, "num_documents": 3})
    assert HAN.search(told.zh)
    assert not HAN.search(told.en)
    assert ("{" in told.en + told.zh, "7" in told.en) == (False, kind == "calibrated")


@pytest.mark.parametrize("is_measured", [True, False])
def test_a_curve_on_its_own_rows_is_said_to_be_not_measured(is_measured):
    told = wording.confidence({"kind": "calibrated", "is_measured": is_measured, "num_items": 7, "num_documents": 3})
    assert ("not measured" in told.en, "未测量" in told.zh) == (not is_measured, not is_measured)
