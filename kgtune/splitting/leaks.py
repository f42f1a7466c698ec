"""What of the held-out documents a model could know from train: divided groups, variants, near duplicates, names.

Knows nothing about how the splits came about: it looks at the result alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kgtune.conversion.cards import KEY_BYTES, Card
from kgtune.examples import Split
from kgtune.splitting import near_duplicates
from kgtune.splitting.grouping import Comparison, Units
from kgtune.splitting.near_duplicates import NEAR_DUPLICATE
from kgtune.splitting.placement import divided_groups
from kgtune.splitting.splitting import HELD_OUT, TRAIN

# Pairs across splits whose estimated similarity is highest are compared by their shingles; the estimate is off by 0.04.
_MOST_COMPARED = 64

Positions = npt.NDArray[np.intp]


def report(
    cards: Sequence[Card],
    groups: Sequence[str],
    splits: Sequence[Split],
    units: Units,
    text_of: Callable[[int], str],
) -> dict[str, Any]:
    """Return the figures; `is_clean` says that there is no leak. `augmented_outside_train` is for the caller to set.

    `text_of` gives the text of the document at a position. The highest similarity is that of the likely pairs.
    """
    divided = divided_groups(groups, splits)
    highest, pair = highest_across(splits, units, text_of)
    return {
        "is_clean": not divided and highest < NEAR_DUPLICATE,
        "groups_divided": len(divided),
        "divided": divided[:20],
        "augmented_outside_train": 0,
        "highest_similarity_across_splits": round(highest, 3),
        "most_similar": [cards[position].id for position in pair],
        "names": {split: names_seen(cards, splits, split) for split in HELD_OUT if split in splits},
    }


def highest_across(
    splits: Sequence[Split], units: Units, text_of: Callable[[int], str]
) -> tuple[float, tuple[int, ...]]:
    """Return the highest similarity of units of two documents in two splits, and the documents' positions."""
    compare = Comparison(units, text_of)
    numbers = np.asarray([(TRAIN, *HELD_OUT).index(split) for split in splits], dtype=np.intp)[compare.owners]
    best: list[tuple[float, int, int]] = []
    for left, right in near_duplicates.neighbours(compare.sketches):
        across = numbers[left] != numbers[right]
        ones, others = left[across], right[across]
        estimates = near_duplicates.estimated(compare.sketches, ones, others)
        top = np.argsort(-estimates, kind="stable")[:_MOST_COMPARED]
        found = zip(estimates[top].tolist(), ones[top].tolist(), others[top].tolist(), strict=True)
        best = sorted({*best, *found}, key=lambda item: (-item[0], *item[1:]))[:_MOST_COMPARED]
    exact = [(compare.similarity(one, other), -one, -other) for _, one, other in best]
    if not exact:
        return 0.0, ()
    similarity, one, other = max(exact)
    return similarity, (units.owners[-one], units.owners[-other])


def names_seen(cards: Sequence[Card], splits: Sequence[Split], split: Split) -> dict[str, float | int]:
    """Count the distinct names of a held-out split, and those that train rows hold as well."""
    held_out, train = (_names(cards, splits, one) for one in (split, TRAIN))
    seen = int(np.isin(held_out, train, assume_unique=True).sum())
    rate = round(seen / len(held_out), 4) if len(held_out) else 0.0
    return {"names": len(held_out), "seen_in_train": seen, "unseen": len(held_out) - seen, "seen_rate": rate}


def _names(cards: Sequence[Card], splits: Sequence[Split], split: Split) -> npt.NDArray[np.uint64]:
    keys = b"".join(card.names for card, one in zip(cards, splits, strict=True) if one == split)
    assert len(keys) % KEY_BYTES == 0, len(keys)
    ordered = np.sort(np.frombuffer(keys, dtype=np.uint64))
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def lines(found: Mapping[str, Any], rare_labels: Sequence[str]) -> list[str]:
    """Write the figures for a person."""
    highest = found["highest_similarity_across_splits"]
    pair = f" ({' and '.join(found['most_similar'])})" if found["most_similar"] else ""
    head = "leaks: none found" if found["is_clean"] else "leaks: FOUND, the held-out figures would measure memory"
    told = [
        head,
        f"  groups in two splits: {found['groups_divided']}{_listed(found['divided'])}",
        f"  augmented rows outside train: {found['augmented_outside_train']}",
        f"  highest similarity across splits: {highest:.2f}{pair}; {NEAR_DUPLICATE} and more is a near duplicate",
    ]
    for split, names in found["names"].items():
        told.append(
            f"  names in {split}: {names['names']}, of which train knows {names['seen_in_train']} "
            f"({names['seen_rate']:.0%}) and does not know {names['unseen']}"
        )
    if rare_labels:
        told.append(f"  labels in too few groups to be held out: {', '.join(rare_labels)}")
    return told


def _listed(names: Sequence[str]) -> str:
    return f" ({', '.join(names)})" if names else ""
