"""What is counted, by name and value, as Prometheus reads it."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kgtune.extraction.extractor import CANNED_ANSWER, Statistics, read_answer
from kgtune.extraction.selection import Wanted, select
from kgtune.parsing import parse_answer
from kgtune.service.metrics import Gauge, Metrics


def samples(metrics: Metrics) -> dict[str, float]:
    """All samples of ours as `name{label=value}` -> value."""
    found = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            if sample.name.startswith("kgtune_") and not sample.name.endswith("_created"):
                labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
                found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_two_registries_share_nothing():
    first, second = Metrics(), Metrics()
    first.refused("queue_texts")
    assert samples(first)["kgtune_rejections_total{reason=queue_texts}"] == 1
    assert "kgtune_rejections_total{reason=queue_texts}" not in samples(second)


def test_requests_are_counted_by_route_and_status():
    metrics = Metrics()
    for status in (200, 200, 503):
        metrics.answered("/api/kg-extract", status, 0.2)
    found = samples(metrics)
    assert found["kgtune_requests_total{route=/api/kg-extract,status=200}"] == 2
    assert found["kgtune_requests_total{route=/api/kg-extract,status=503}"] == 1
    assert found["kgtune_request_seconds_bucket{le=0.25,route=/api/kg-extract}"] == 3
    assert found["kgtune_request_seconds_bucket{le=0.1,route=/api/kg-extract}"] == 0


def test_a_batch_tells_of_waits_sizes_tokens_and_how_answers_ended():
    metrics = Metrics()
    metrics.batch_began([0.01, 3.0])
    metrics.batch_ended(2.0, [read_answer(CANNED_ANSWER, "stop", 70, 30), read_answer('{"enti', "length", 10, 10)])
    found = samples(metrics)
    assert found["kgtune_batch_texts_sum"] == 2
    assert (found["kgtune_queue_seconds_bucket{le=0.025}"], found["kgtune_queue_seconds_count"]) == (1, 2)
    assert found["kgtune_batch_seconds_sum"] == 2.0
    assert (found["kgtune_tokens_total{kind=prompt}"], found["kgtune_tokens_total{kind=answer}"]) == (80, 40)
    assert found["kgtune_answer_tokens_per_second"] == 20.0
    assert (found["kgtune_answers_total{finish=stop}"], found["kgtune_answers_total{finish=length}"]) == (1, 1)
    assert found["kgtune_unreadable_answers_total{reason=cut_off}"] == 1


def test_the_decoders_own_statistics_are_counted_where_there_are_some():
    metrics = Metrics()
    plain = read_answer(CANNED_ANSWER, "stop", 70, 300)
    metrics.batch_ended(2.0, [plain])
    assert [name for name in samples(metrics) if "forward_passes" in name or "forced" in name] == []
    statistics = Statistics(
        num_forward_passes=100, num_forced_tokens=90, num_drafted_tokens=140, num_accepted_tokens=110, num_overruled_tokens=3,
        num_loops=2,
    )  # fmt: skip
    told = replace(plain, statistics=statistics)
    metrics.batch_ended(2.0, [told])
    found = samples(metrics)
    assert (found["kgtune_forward_passes_total{kind=made}"], found["kgtune_forward_passes_total{kind=saved}"]) == (
        100,
        200,
    )
    tokens = [found[f"kgtune_tokens_total{{kind={kind}}}"] for kind in ("forced", "drafted", "accepted", "overruled")]
    assert tokens == [90, 140, 110, 3]
    assert found["kgtune_answer_loops_total"] == 2


def test_a_cancelled_answer_is_not_an_unreadable_one():
    metrics = Metrics()
    metrics.batch_ended(1.0, [read_answer("", "cancelled", 1, 0)])
    assert [name for name in samples(metrics) if "unreadable" in name] == []


def test_what_does_not_stand_in_the_text_is_counted():
    metrics = Metrics()
    graph = parse_answer(CANNED_ANSWER).graph
    metrics.selected(select(graph, "GlassViper used NightLoom.", Wanted())[1])
    found = samples(metrics)
    assert (found["kgtune_items_total{kind=name}"], found["kgtune_ungrounded_items_total{kind=name}"]) == (3, 1)
    assert (found["kgtune_items_total{kind=evidence}"], found["kgtune_ungrounded_items_total{kind=evidence}"]) == (2, 1)


def test_a_gauge_is_read_when_asked():
    metrics, value = Metrics(), [1.0]
    metrics.watch([Gauge("queue_texts", "Texts that wait.", lambda: value[0])])
    first = samples(metrics)["kgtune_queue_texts"]
    value[0] = 7.0
    assert (first, samples(metrics)["kgtune_queue_texts"]) == (1.0, 7.0)


@pytest.mark.parametrize("name", ["process_resident_memory_bytes", "process_open_fds", "python_info"])
def test_the_process_is_watched_too(name):
    assert f"\n{name}" in Metrics().text().decode()


def test_an_answer_of_fewer_tokens_than_passes_saved_none():
    metrics = Metrics()
    plain = read_answer(CANNED_ANSWER, "stop", 70, 3)
    metrics.batch_ended(2.0, [replace(plain, statistics=Statistics(num_forward_passes=5))])
    assert samples(metrics)["kgtune_forward_passes_total{kind=saved}"] == 0
