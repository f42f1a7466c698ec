"""What each policy makes of rows over the limit, and that the ledger adds up to the last item."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kgtune.conversion import overlength
from kgtune.conversion.overlength import Fitter
from kgtune.examples import Example
from tests.conversion.test_windows import examples, make, measure

TEXT = "AlphaRAT came first. It spread. BetaRAT came next, and AlphaRAT went. Nobody saw GammaRAT."


def rows() -> list[Example]:
    edges = [(1, 0, "BetaRAT came next, and AlphaRAT went."), (0, 2, "")]
    return [
        make("Short.", [], [], id="short"),
        make(TEXT, ["AlphaRAT", "BetaRAT", "GammaRAT"], edges, id="long"),
        make("AlphaRAT " * 40, ["AlphaRAT"], [], id="hopeless"),
    ]


def fitted(policy: Any, limit: int = 100) -> tuple[Fitter, list[Example]]:
    fitter = Fitter(policy, limit, measure)
    return fitter, [out for row in rows() for out in fitter.fit(row, measure(row))]


def test_a_row_that_fits_is_the_same_row_under_any_policy() -> None:
    for policy in ("refuse", "drop", "window"):
        row = rows()[0]
        assert Fitter(policy, 100, measure).fit(row, 50) == (row,)  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", ["refuse", "drop"])
def test_refuse_and_drop_leave_whole_rows_out_and_count_all_that_was_in_them(policy: str) -> None:
    fitter, out = fitted(policy)
    ledger = fitter.ledger.as_object()

    assert [row.id for row in out] == ["short"]
    assert fitter.too_long == [("long", measure(rows()[1])), ("hopeless", measure(rows()[2]))]
    assert ledger["rows"] == {"in": 3, "kept": 1, "out": 1, "lost": {overlength.TOO_LONG: 2}}
    assert ledger["entities"] == {"in": 4, "kept": 0, "out": 0, "lost": {overlength.TOO_LONG: 4}}
    assert ledger["relationships"]["lost"] == {overlength.TOO_LONG: 2}


def test_window_writes_windows_and_counts_what_none_of_them_holds() -> None:
    fitter, out = fitted("window")
    ledger = fitter.ledger.as_object()

    assert [row.id for row in out] == ["short", "long~w0", "long~w1", "long~w2"]
    assert ledger["rows"] == {"in": 3, "kept": 2, "out": 4, "lost": {overlength.NO_WINDOW: 1}}
    assert ledger["rows_windowed"] == 1
    assert ledger["entities"] == {
        "in": 4,
        "kept": 3,
        "out": 4,
        "lost": {"stands only in sentences that are longer than a window": 1},
    }
    assert ledger["relationships"]["lost"] == {"its ends and its evidence don't fit in one window": 1}
    assert ledger["tokens"] == {"in": sum(map(measure, rows())), "out": sum(map(measure, out))}


@pytest.mark.property
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(examples(), max_size=4), st.integers(50, 400), st.sampled_from(["refuse", "drop", "window"]))
def test_the_ledger_adds_up(given_rows: list[Example], limit: int, policy: Any) -> None:
    fitter = Fitter(policy, limit, measure)
    out = [made for row in given_rows for made in fitter.fit(row, measure(row))]
    sizes = {
        "rows": lambda row: 1,
        "entities": lambda row: len(row.graph.entities),
        "relationships": lambda row: len(row.graph.relationships),
    }
    ledger = fitter.ledger.as_object()
    for kind, size in sizes.items():
        assert (ledger[kind]["in"], ledger[kind]["out"]) == (sum(map(size, given_rows)), sum(map(size, out)))
    for kind in (*sizes, "characters"):
        tally = ledger[kind]
        assert tally["in"] == tally["kept"] + sum(tally["lost"].values())
        assert tally["kept"] <= tally["out"]
        assert all(number > 0 for number in tally["lost"].values())
    assert ledger["characters"]["in"] == sum(len(row.text) for row in given_rows)
    assert ledger["tokens"] == {"in": sum(map(measure, given_rows)), "out": sum(map(measure, out))}
    assert all(measure(row) <= limit for row in out)


def test_the_ledger_in_words_has_each_kind_and_each_reason() -> None:
    ledger = json.loads(json.dumps(fitted("window")[0].ledger.as_object()))
    lines = [" ".join(line.split()) for line in overlength.ledger_lines(ledger)]

    assert "rows 3 in, 4 out, 1 lost" in lines
    assert "lost 1 no window fits model.max_seq_length" in lines
    assert len(lines) == 5 + sum(len(ledger[kind].get("lost", {})) for kind in ledger if kind != "rows_windowed")


@pytest.mark.parametrize(("tokens", "limit"), [(900, 1024), (1024, 1024), (1025, 1536), (9000, 12288), (40000, 40960)])
def test_the_usual_limit_that_is_enough(tokens: int, limit: int) -> None:
    assert overlength.enough_for(tokens) == limit


def test_the_advice_names_the_limit_for_all_and_the_one_for_all_but_a_few() -> None:
    too_long = [(f"r{n}", 2100 + n) for n in range(99)] + [("giant", 30_000)]

    text = overlength.advice(too_long, 2048)
    assert text.startswith("model.max_seq_length=32768 takes them all, 3072 all but 1; ")
    assert "data.overlength=window" in text
    assert overlength.advice(too_long[:1], 2048).startswith("model.max_seq_length=3072 takes them all; ")
