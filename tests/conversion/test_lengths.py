"""Lengths by estimate and by the real tokenizer, and the survey that foretells what fine_tune.py will do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kgtune import config, ontology, prompt, sources
from kgtune.conversion import lengths
from kgtune.conversion.lengths import Ruler
from kgtune.errors import DataError
from kgtune.examples import Example, from_raw
from kgtune.graph import Entity, Graph, Relationship
from kgtune.settings import Config
from kgtune.training import supervision

EXAMPLE = Path("fine_tune_input/raw_graph_example.json")
# Qwen3's tokenizer.json (Qwen2.5's vocabulary and merges) on the shipped example, chat template and `threat_event` included: row -> (brief, full).
QWEN_TOKENS = {
    "en-01-simple": (225, 503),
    "zh-01-simple": (215, 493),
    "en-02-paragraphs": (518, 796),
    "en-03-iocs": (615, 893),
    "zh-02-iocs": (419, 697),
    "zh-03-table": (449, 727),
    "en-04-list": (351, 629),
    "en-05-negation": (207, 485),
    "zh-04-empty": (79, 357),
    "en-06-security-empty": (102, 380),
    "zh-05-alias": (322, 600),
    "en-07-hedged": (263, 541),
    "zh-06-anaphora": (314, 592),
    "mixed-01-procedure": (300, 578),
}


def example_rows() -> list[Example]:
    raw_set = sources.read_raw([EXAMPLE], source_format="auto", default_confidence=0.9)
    return [replace(from_raw(document, drop_descriptions=False), split="train") for document in raw_set.documents]


def settings(**changes: Any) -> Config:
    return config.load("config.yaml", None, [f"{key}={value}" for key, value in changes.items()]).config


def long_row(number: int, sentences: int) -> Example:
    text = " ".join(f"Group{number} ran Tool{number} on day {day} of it." for day in range(sentences))
    graph = Graph(
        (Entity("ThreatOrganization", "e1", f"Group{number}"), Entity("Tool", "e2", f"Tool{number}")),
        (Relationship("USE", "e1", "e2", 0.9, f"Group{number} ran Tool{number} on day 0 of it."),),
    )
    return Example(f"r{number}", f"d{number}", f"g{number}", "train", "en", "", text, graph)


@pytest.mark.parametrize("guidelines", ["brief", "full"])
def test_the_estimate_is_never_below_qwens_own_count_and_never_far_above(guidelines: str) -> None:
    rows = example_rows()
    assert {row.id for row in rows} == set(QWEN_TOKENS)
    cfg = settings(**{"prompt.guidelines": guidelines})
    ruler = lengths.ruler_for(cfg, ontology.load("threat_event"))
    assert not ruler.exact
    for row in rows:
        ratio = ruler.measure(row) / QWEN_TOKENS[row.id][guidelines == "full"]
        assert 1.0 <= ratio <= 1.6, (row.id, ratio)


def test_the_estimate_counts_what_qwen_cuts_finely() -> None:
    assert lengths.estimate("") == 0
    assert lengths.estimate("0123456789abcdef") >= 12  # a token a digit
    assert lengths.estimate("漏洞利用") == 4
    assert lengths.estimate("at 10 on 20") > lengths.estimate("at10on20")  # the space before a number
    assert lengths.estimate("😀") == 3
    assert lengths.estimate("half \ud83d character") >= 4


def test_the_survey_counts_rows_by_length_and_what_would_fit() -> None:
    rows = [long_row(n, 1) for n in range(100)]
    found = lengths.survey(rows, settings(), Ruler("by hand", True, lambda row: 1000 + 15 * int(row.id[1:])))

    assert found["tokens"] == {"p50": 1735, "p95": 2410, "max": 2485}
    assert found["fit_at"] == {"1024": 2, "1536": 36, "2048": 70, "4096": 100, "8192": 100}
    assert (found["rows"], found["over"]) == (100, 30)
    histogram = found["histogram"]
    assert histogram["bin_tokens"] == 64
    assert sum(histogram["rows"]) == 100
    assert sum(histogram["rows"][2048 // 64 :]) == 30


def test_held_out_rows_are_no_part_of_the_survey() -> None:
    rows = [long_row(1, 1), replace(long_row(2, 400), split="test"), replace(long_row(3, 400), split="validation")]
    found = lengths.survey(rows, settings(), Ruler("by hand", True, lambda row: len(row.text)))

    assert (found["rows"], found["over"]) == (1, 0)


@pytest.mark.parametrize("policy", ["refuse", "drop", "window"])
def test_every_number_of_an_estimate_says_so(policy: str) -> None:
    cfg = settings(**{"data.overlength": policy})
    rows = [long_row(n, 300) for n in range(12)]
    text = lengths.as_text(lengths.survey(rows, cfg, lengths.ruler_for(cfg, ontology.load("threat_event"))))

    numbers = [line for line in text.splitlines() if "tokens" in line and "lost" not in line and " in," not in line]
    assert len(numbers) == 11
    assert all("estimate" in line for line in numbers)
    assert "over model.max_seq_length=2048 (estimate): 12" in text
    assert "... and 2 shorter ones" in text
    assert f"data.overlength={policy}" in text
    assert ("what that costs (estimate):" in text) == (policy != "refuse")


def test_the_survey_is_plain_json_and_the_text_of_an_empty_one_says_so() -> None:
    cfg = settings()
    found = lengths.survey([], cfg, lengths.ruler_for(cfg, ontology.load("threat_event")))

    assert json.loads(json.dumps(found)) == found
    assert lengths.as_text(found) == "tokens per train row: there are no train rows"


@pytest.mark.tiny
@pytest.mark.parametrize("policy", ["drop", "window"])
def test_with_the_tokenizer_the_survey_foretells_what_fine_tune_does(policy: Any) -> None:
    from transformers import AutoTokenizer

    cfg = config.load("config.yaml", "demo", [f"data.overlength={policy}", "model.max_seq_length=400"]).config
    chosen = ontology.load("threat_event")
    rows = [long_row(1, 1), long_row(2, 60), *example_rows()]
    ruler = lengths.ruler_for(cfg, chosen)
    found = lengths.survey(rows, cfg, ruler)
    supervised = supervision.supervise(
        rows,
        AutoTokenizer.from_pretrained(cfg.model.model_id),
        prompt.system_message(chosen, cfg.prompt.guidelines),
        max_seq_length=400,
        overlength=policy,
    )

    assert ruler.exact
    assert found["over"] >= 2
    assert found["ledger"] == supervised.ledger.as_object()
    assert found["ledger"]["tokens"]["out"] == sum(sample.num_tokens for sample in supervised.samples)
    assert found["ledger"]["rows"]["out"] == len(supervised.samples)


@pytest.mark.tiny
def test_refusal_is_foretold_with_the_same_lengths_and_advice() -> None:
    from transformers import AutoTokenizer

    cfg = config.load("config.yaml", "demo", ["model.max_seq_length=400"]).config
    chosen = ontology.load("threat_event")
    rows = [long_row(1, 1), long_row(2, 60), long_row(3, 50)]
    found = lengths.survey(rows, cfg, lengths.ruler_for(cfg, chosen))
    with pytest.raises(DataError) as caught:
        supervision.supervise(
            rows,
            AutoTokenizer.from_pretrained(cfg.model.model_id),
            prompt.system_message(chosen, cfg.prompt.guidelines),
            max_seq_length=400,
            overlength=cfg.data.overlength,
        )

    text = str(caught.value)
    assert [row["id"] for row in found["rows_over"]] == ["r2", "r3"]
    assert all(f"row {row['id']}: {row['tokens']} tokens" in text for row in found["rows_over"])
    assert found["advice"] in text


def test_a_tokenizer_that_cant_be_read_makes_estimates_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    ruler = lengths.ruler_for(settings(**{"model.model_id": tmp_path}), ontology.load("threat_event"))

    assert not ruler.exact
    assert "its tokenizer can't be read" in caplog.text
