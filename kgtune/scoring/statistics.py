"""How sure a number is: document-level bootstrap, paired differences, McNemar, and what a sample can't show.

Knows nothing about graphs or metrics' meaning: matrices of whole-number counts, one line per document. Everything is
seeded; sums are whole numbers, so that a result is the same byte for byte whatever the machine adds first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from kgtune.scoring.metrics import Metric, values

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution
Z80 = 0.8416212335729143  # 80 % quantile: the power that a planned comparison is given
RESAMPLES = 2000
SEED = 20_240
LEVEL = 0.05
LEAST_DOCUMENTS = 10
"""Below this, resampling a handful of documents understates chance, and nothing is claimed."""
LEAST_DISCORDANT = 6
"""Documents that must change one way only before McNemar's exact test can say anything: 2 * 0.5^6 = 0.03."""
_DRAWS = 1 << 17
"""Draws made at once, for a megabyte of memory; how many does not change what is drawn."""

Method = Literal["bootstrap", "wilson", "none"]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals are made."""

    resamples: int = RESAMPLES
    seed: int = SEED


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval, and how it was made."""

    low: float | None
    high: float | None
    method: Method


def resampled_sums(documents: Counts, bootstrap: Bootstrap) -> Floats:
    """Draw as many documents as there are, with replacement, again and again; return the sums of their counts.

    The same number of documents and seed give the same draws: that is what pairs two columns.
    """
    as_floats = documents.astype(np.float64)  # exact for whole numbers below 2^53, and BLAS adds floats alone
    parts = [weights @ as_floats for weights in _weights(len(documents), bootstrap)]
    return np.concatenate(parts) if parts else np.zeros((0, documents.shape[1]))


def _weights(num_documents: int, bootstrap: Bootstrap) -> Iterator[Floats]:
    """Yield how often each document is drawn, (resamples, documents), in pieces that keep memory flat."""
    # Raw bits: numpy promises that these stay the same from version to version, and of its samplers it does not.
    bits = np.random.PCG64(bootstrap.seed)
    left = bootstrap.resamples if num_documents else 0
    while left > 0:
        size = min(max(_DRAWS // num_documents, 1), left)
        left -= size
        uniform = (bits.random_raw(size * num_documents) >> np.uint64(11)) * 2.0**-53
        drawn = np.floor(uniform * num_documents).astype(np.int64).reshape(size, num_documents)
        drawn += np.arange(size)[:, None] * num_documents
        counts = np.bincount(drawn.ravel(), minlength=size * num_documents)
        yield counts.reshape(size, num_documents).astype(np.float64)


def percentiles(resampled: Floats) -> tuple[float, float] | None:
    """Return the 2.5 % and 97.5 % order statistics; resamples in which the metric has no value are left out."""
    ordered = np.sort(resampled[~np.isnan(resampled)])
    if not len(ordered):
        return None
    low = math.floor(LEVEL / 2 * len(ordered))
    return float(ordered[low]), float(ordered[len(ordered) - 1 - low])


def interval(metric: Metric, documents: Counts, resampled: Floats) -> Interval:
    """Give a metric's interval; where all resamples agree, Wilson's for as many trials as documents count.

    "0 of 2" is no proof of zero: resampling the same two documents can't say so, Wilson's interval does.
    """
    value = float(values(metric, documents.sum(axis=0)))
    if math.isnan(value):
        return Interval(None, None, "none")
    bounds = percentiles(values(metric, resampled))
    if bounds is not None and bounds[0] < bounds[1]:
        return Interval(*bounds, "bootstrap")
    num_counting = int(np.count_nonzero(~np.isnan(values(metric, documents))))
    if metric.better == "neither" or not 0 <= value <= 1:
        return Interval(None, None, "none")
    return Interval(*wilson(value, num_counting), "wilson")


def wilson(share: float, total: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share of `total` trials."""
    centre = (share + Z95**2 / (2 * total)) / (1 + Z95**2 / total)
    half = Z95 * math.sqrt(share * (1 - share) / total + Z95**2 / (4 * total**2)) / (1 + Z95**2 / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def swapped_sums(first: Counts, second: Counts, bootstrap: Bootstrap) -> tuple[Floats, Floats]:
    """Toss a coin for each document and swap its two systems' counts, again and again; return both sides' sums.

    Were the systems alike, every such pair of sums would be as likely as the one that was measured.
    """
    bits = np.random.PCG64(bootstrap.seed + 1)
    differences = (second - first).astype(np.float64)
    parts = []
    left = bootstrap.resamples if len(first) else 0
    while left > 0:
        size = min(max(_DRAWS // len(first), 1), left)
        left -= size
        coins = (bits.random_raw(size * len(first)) >> np.uint64(63)).reshape(size, len(first)).astype(np.float64)
        parts.append(coins @ differences)
    moved = np.concatenate(parts) if parts else np.zeros((0, first.shape[1]))
    return first.sum(axis=0) + moved, second.sum(axis=0) - moved


def randomisation(measured: float, swapped: Floats) -> float:
    """Return the two-sided p-value of the approximate randomisation test (Noreen 1989), never 0.

    The share of swaps whose difference is as great as the measured one. Its level holds for any number of documents;
    a p-value from resampling claims a difference up to twice too often with ten.
    """
    known = np.abs(swapped[~np.isnan(swapped)])
    as_great = int(np.count_nonzero(known >= abs(measured) - 1e-12))
    return (as_great + 1) / (len(known) + 1)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value of McNemar's test: how likely chance alone splits the changed documents so."""
    total = only_first + only_second
    if total == 0:
        return 1.0
    tail = sum(math.comb(total, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, float(2 * tail / 2**total))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjust p-values for their number (Holm 1979): of many tests one in twenty would else succeed by luck."""
    adjusted: dict[str, float] = {}
    worst = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: (p_values[name], name))):
        worst = max(worst, min(1.0, p_values[name] * (len(p_values) - rank)))
        adjusted[name] = worst
    return adjusted


def minimum_detectable(differences: Floats, *, num_documents: int, per_row: bool) -> float | None:
    """Return the least true difference that a comparison like this one shows four times in five.

    2.8 standard errors of the difference; of a 0-or-1 metric at least six documents' worth. None where all documents
    agree, so that nothing is known of the spread, or where there are none.
    """
    known = differences[~np.isnan(differences)]
    if not num_documents or len(known) < 2:
        return None
    spread = (Z95 + Z80) * float(known.std())
    floor = LEAST_DISCORDANT / num_documents if per_row else 0.0
    least = max(spread, floor)
    return least if least > 0 else None


def column_differences(resampled: Floats) -> Floats:
    """Stand-in for the differences to a second system of like spread: independent, so sqrt(2) as wide."""
    return (resampled - np.nanmean(resampled)) * math.sqrt(2) if np.any(~np.isnan(resampled)) else resampled
