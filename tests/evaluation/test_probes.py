"""Probes: which token belongs to which value, and that the numbers are the model's own."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from kgtune.examples import Example
from kgtune.graph import Entity, Graph, Relationship
from tests import tiny

pytestmark = pytest.mark.tiny

GRAPH = Graph(
    (Entity("ThreatOrganization", "e1", '暗影"组织\\'), Entity("Tool", "e2", "VelkaRAT", "a: tool")),
    (Relationship("USE", "e1", "e2", 0.95, "used: VelkaRAT"),),
)
SYSTEM = "Knowledge graph as JSON."


def example(number: int = 0, graph: Graph = GRAPH) -> Example:
    return Example(f"r{number}", f"d{number}", f"g{number}", "test", "en", "", f"Text {number} 暗影.", graph)


@pytest.fixture(scope="module")
def model():
    return tiny.model()


@pytest.fixture(scope="module")
def tokenizer():
    return tiny.tokenizer()


def prepared(tokenizer, *rows, max_tokens=2000):
    from kgtune.evaluation import probes

    return probes.prepare(rows, tokenizer, SYSTEM, max_tokens=max_tokens)


def test_values_are_found_without_their_quotes_and_under_their_keys():
    from kgtune.evaluation import probes
    from kgtune.training import supervision

    content = supervision.answer_content(example())
    found = [(key, content[start:stop]) for key, start, stop in probes.values_in(content)]

    assert found == [
        ("labels", "ThreatOrganization"), ("id", "e1"), ("name", '暗影\\"组织\\\\'), ("description", ""),
        ("labels", "Tool"), ("id", "e2"), ("name", "VelkaRAT"), ("description", "a: tool"),
        ("type", "USE"), ("source", "e1"), ("target", "e2"), ("confidence", "0.95"), ("evidence", "used: VelkaRAT"),
    ]  # fmt: skip


def test_every_token_of_an_answer_has_a_kind_and_the_end_comes_behind_the_last(tokenizer):
    (probe,) = prepared(tokenizer, example())
    ids = probe.sample.answer_ids

    assert ids[probe.end] == tokenizer.eos_token_id
    assert len(probe.kinds) == probe.end
    parts = {}
    for token, kind in zip(ids, probe.kinds, strict=False):
        parts.setdefault(kind, []).append(token)
    assert set(parts) == {
        *("structure", "labels", "id", "name", "description"),
        *("type", "source", "target", "confidence", "evidence"),
    }
    assert "VelkaRAT" in tokenizer.decode(parts["name"])
    assert "暗影" in tokenizer.decode(parts["name"])  # its bytes are several tokens, and all are the name's
    assert not set("VRTU0暗影组织") & set(tokenizer.decode(parts["structure"]))  # no key has any of these


def test_the_losses_are_the_models_own_over_the_whole_sequence(model, tokenizer):
    import torch

    from kgtune.evaluation import probes

    (probe,) = prepared(tokenizer, example())
    (seen,) = probes.look(model, [probe])

    ids = torch.tensor([[*probe.sample.prompt_ids, *probe.sample.answer_ids]])
    with torch.inference_mode():
        chances = torch.log_softmax(model.eval()(input_ids=ids).logits[0].float(), dim=-1)
    first = len(probe.sample.prompt_ids)
    expected = [float(chances[first + k - 1, token]) for k, token in enumerate(probe.sample.answer_ids)]
    assert seen.start == pytest.approx(math.exp(expected[0]), rel=1e-4)
    assert seen.end == pytest.approx(math.exp(expected[probe.end]), rel=1e-4)
    assert seen.losses.total() == pytest.approx(-1e6 * sum(expected[: probe.end]), rel=1e-4)
    assert seen.counts == Counter(probe.kinds)
    assert seen.unit == "d0"


def test_a_long_answer_is_looked_at_in_parts(model, tokenizer, monkeypatch):
    from kgtune.evaluation import probes

    found = prepared(tokenizer, example())
    whole = probes.look(model, found)
    monkeypatch.setattr(probes, "_POSITIONS", 7)

    (one,), (other,) = whole, probes.look(model, found)
    assert dict(one.losses) == pytest.approx(dict(other.losses), abs=2)


def test_looking_leaves_a_model_in_the_mode_in_which_it_was(model, tokenizer):
    from kgtune.evaluation import probes

    found = prepared(tokenizer, example())
    for was_training in (True, False):
        model.train(was_training)
        probes.look(model, found)
        assert model.training is was_training


def test_a_row_that_is_too_long_is_left_out(tokenizer):
    assert len(prepared(tokenizer, example(), max_tokens=20)) == 0


def test_the_result_divides_sums_and_has_intervals_over_documents():
    from kgtune.evaluation import probes
    from kgtune.evaluation.probes import Seen

    seen = [
        Seen(f"d{n}", Counter(structure=1_000_000, name=4_000_000), Counter(structure=10, name=2), 0.5, end)
        for n, end in enumerate([0.0, 1.0] * 10)
    ]
    found = probes.result(seen)

    assert found["num_rows"] == 20
    assert found["num_tokens"] == 240
    assert found["structure_loss"] == {"value": 0.1, "low": 0.1, "high": 0.1}
    assert found["value_loss"]["value"] == 2.0
    assert found["keys"] == {"name": {"loss": 2.0, "num_tokens": 40}}
    assert found["end_probability"]["value"] == 0.5
    assert found["end_probability"]["low"] < 0.35
    assert found["end_probability"]["high"] > 0.65
    assert probes.result([]) is None


def test_rows_of_one_document_are_resampled_together():
    from kgtune.evaluation import probes
    from kgtune.evaluation.probes import Seen

    def seen(unit_of):
        rows = [
            Seen(unit_of(n), Counter(structure=1), Counter(structure=1), 0.5, float(n % 20 < 10)) for n in range(200)
        ]
        return probes.result(rows)["end_probability"]

    apart, together = seen(lambda n: f"d{n}"), seen(lambda n: f"d{n % 20}")
    assert together["high"] - together["low"] > 2 * (apart["high"] - apart["low"])
