"""What a person can alert on: the service's counters, in Prometheus' text format.

Knows nothing about routes or models. Every app has a registry of its own, so that tests do not share counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client import Gauge as SetGauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kgtune.extraction.extractor import Extraction, Statistics
from kgtune.extraction.selection import Selection

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300)
BATCH_TEXTS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value that is looked up when somebody asks."""

    name: str
    documentation: str
    read: Callable[[], float]


class Metrics:
    """The registry and what is counted in it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._requests = self._counter("requests", "Answers by route and status.", "route", "status")
        self._seconds = self._histogram("request_seconds", "Time to answer.", "route")
        self._rejections = self._counter("rejections", "Requests and texts that were refused.", "reason")
        self._queued = self._histogram("queue_seconds", "Time a text waited.")
        self._batch = self._histogram("batch_texts", "Texts that were worked on together.", buckets=BATCH_TEXTS)
        self._worked = self._histogram("batch_seconds", "Time a batch took.")
        self._tokens = self._counter("tokens", "Tokens by kind; their rate is the speed.", "kind")
        self._speed = SetGauge(
            "answer_tokens_per_second", "Speed of the latest batch.", namespace="kgtune", registry=self.registry
        )
        self._passes = self._counter("forward_passes", "Forward passes, by whether they were needed.", "kind")
        self._answers = self._counter("answers", "Answers of the model by how they ended.", "finish")
        self._unreadable = self._counter("unreadable_answers", "Answers that were no graph.", "reason")
        self._items = self._counter("items", "Names and evidence that were looked for in the text.", "kind")
        self._ungrounded = self._counter("ungrounded_items", "Those that do not stand in it.", "kind")
        self._loops = self._counter("answer_loops", "Answers that repeated themselves and were led out of it.")
        self._dropped = self._counter(
            "dropped_items", "Items taken out: a reference was at fault, or they stood there twice.", "reason"
        )

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(name, documentation, labels, namespace="kgtune", registry=self.registry)

    def _histogram(
        self, name: str, documentation: str, *labels: str, buckets: tuple[float, ...] = SECONDS
    ) -> Histogram:
        return Histogram(name, documentation, labels, namespace="kgtune", registry=self.registry, buckets=buckets)

    def watch(self, gauges: Sequence[Gauge]) -> None:
        """Show values that live elsewhere."""
        self.registry.register(_Gauges(tuple(gauges)))

    def answered(self, route: str, status: int, seconds: float) -> None:
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def refused(self, reason: str) -> None:
        self._rejections.labels(reason).inc()

    def batch_began(self, waited_s: Sequence[float]) -> None:
        self._batch.observe(len(waited_s))
        for seconds in waited_s:
            self._queued.observe(seconds)

    def batch_ended(self, seconds: float, extractions: Sequence[Extraction]) -> None:
        self._worked.observe(seconds)
        self._speed.set(sum(extraction.num_answer_tokens for extraction in extractions) / max(seconds, 1e-6))
        for extraction in extractions:
            self._answers.labels(extraction.finish_reason).inc()
            self._tokens.labels("prompt").inc(extraction.num_prompt_tokens)
            self._tokens.labels("answer").inc(extraction.num_answer_tokens)
            if extraction.statistics is not None:
                self._decoded(extraction.statistics, extraction.num_answer_tokens)
            if extraction.graph is None and extraction.finish_reason != "cancelled":
                self._unreadable.labels(extraction.reason or "unknown").inc()

    def _decoded(self, decoding: Statistics, num_answer_tokens: int) -> None:
        """Count how the answer came about. An extractor that does not tell leaves these series out."""
        self._passes.labels("made").inc(decoding.num_forward_passes)
        self._passes.labels("saved").inc(max(0, num_answer_tokens - decoding.num_forward_passes))
        for kind in ("forced", "drafted", "accepted", "overruled"):
            self._tokens.labels(kind).inc(getattr(decoding, f"num_{kind}_tokens"))
        self._loops.inc(decoding.num_loops)

    def selected(self, selection: Selection) -> None:
        """Count what is known only once a graph is held against its text."""
        for counter, counts in (
            (self._items, selection.checked),
            (self._ungrounded, selection.ungrounded),
            (self._dropped, selection.dropped),
        ):
            for kind, count in counts.items():
                counter.labels(kind).inc(count)

    def text(self) -> bytes:
        return generate_latest(self.registry)


@dataclass(frozen=True)
class _Gauges(Collector):
    gauges: tuple[Gauge, ...]

    def collect(self) -> list[GaugeMetricFamily]:
        return [GaugeMetricFamily(f"kgtune_{g.name}", g.documentation, value=g.read()) for g in self.gauges]
