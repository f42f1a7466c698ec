"""What a model makes of gold answers, without writing one: does it end where they end, and what costs it most.

Knows nothing about decoding or scores. One forward pass over prompt and gold answer tells the probability of every
token of the answer; seconds where generation takes minutes.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from kgtune.examples import Example
from kgtune.graph import ENTITY_KEYS, RELATIONSHIP_KEYS
from kgtune.prompt import ChatTokenizer
from kgtune.scoring import statistics
from kgtune.scoring.column import rounded
from kgtune.scoring.metrics import FIXED
from kgtune.scoring.statistics import Bootstrap, Counts
from kgtune.training import supervision
from kgtune.training.supervision import Sample

STRUCTURE = "structure"
KEYS = (*ENTITY_KEYS, *RELATIONSHIP_KEYS)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[0-9.]+')
_POSITIONS = 256
"""Positions whose logits are held at once: with 152,000 tokens to choose from, 150 MB in fp32."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A gold answer ready to be looked at: its sample, the kind of each token, and where the end stands.

    A kind is `structure`, or the key whose value the token holds a part of. Tokens behind the end have none.
    """

    sample: Sample
    kinds: tuple[str, ...]

    @property
    def end(self) -> int:
        """The place of the end-of-answer token."""
        return len(self.kinds)


@dataclass(slots=True)
class Seen:
    """What was seen of one row: losses summed by kind of token in millionths of a nat, and two probabilities."""

    unit: str
    losses: Counter[str]
    counts: Counter[str]
    start: float
    end: float


def prepare(examples: Sequence[Example], tokenizer: ChatTokenizer, system: str, *, max_tokens: int) -> list[Probe]:
    """Render rows with their gold answers; those that are longer than `max_tokens` are left out."""
    samples = [supervision.render(example, tokenizer, system) for example in examples]
    return [probe_of(sample, tokenizer) for sample in samples if sample.num_tokens <= max_tokens]


def probe_of(sample: Sample, tokenizer: ChatTokenizer) -> Probe:
    """Sort the tokens of an answer: a token that holds any character of a value belongs to its key."""
    text = sample.prompt_text + sample.answer_text
    spans = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    first = len(sample.prompt_text)
    content = supervision.answer_content(sample.example)
    kind_at = [STRUCTURE] * len(content)
    for key, start, stop in values_in(content):
        kind_at[start:stop] = [key] * (stop - start)
    kinds = []
    for start, stop in spans[len(sample.prompt_ids) :]:
        if start - first >= len(content):
            break
        # The bytes of one character may be several tokens; all of them then cover it.
        here = kind_at[start - first : max(stop, start + 1) - first]
        kinds.append(next((kind for kind in here if kind != STRUCTURE), STRUCTURE))
    return Probe(sample, tuple(kinds))


def values_in(content: str) -> Iterator[tuple[str, int, int]]:
    """Yield each value of a canonical graph: its key, and where it stands without its quotes."""
    key = ""
    for match in _TOKEN.finditer(content):
        start, stop = match.span()
        if content[stop : stop + 1] == ":":
            key = match[0][1:-1]
        elif match[0].startswith('"'):
            yield key, start + 1, stop - 1
        else:
            yield key, start, stop


def look(model: Any, probes: Sequence[Probe]) -> list[Seen]:
    """Run the model over every row, dropout off, and leave it in the mode in which it was."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            return [_seen(model, probe) for probe in probes]
    finally:
        model.train(was_training)


def _seen(model: Any, probe: Probe) -> Seen:
    sample = probe.sample
    answer = list(sample.answer_ids[: probe.end + 1])
    ids = torch.tensor([[*sample.prompt_ids, *answer]], device=model.device)
    logits = model(input_ids=ids, use_cache=False, logits_to_keep=len(answer) + 1).logits[0, :-1]
    targets = ids[0, -len(answer) :]
    parts = [
        torch.log_softmax(logits[at : at + _POSITIONS].float(), dim=-1)
        .gather(1, targets[at : at + _POSITIONS, None])
        .flatten()
        for at in range(0, len(answer), _POSITIONS)
    ]
    chances = [float(value) for value in torch.cat(parts).cpu()]
    losses: Counter[str] = Counter()
    for kind, chance in zip(probe.kinds, chances, strict=False):
        losses[kind] += round(-chance * FIXED)
    example = sample.example
    return Seen(
        example.doc_id or example.id, losses, Counter(probe.kinds), math.exp(chances[0]), math.exp(chances[probe.end])
    )


def result(seen: Sequence[Seen], bootstrap: Bootstrap | None = None) -> dict[str, Any] | None:
    """Return the numbers as they stand in the results; None where nothing was looked at."""
    if not seen:
        return None
    up, down = _matrices(seen)
    drawn = statistics.resampled_sums(np.hstack([up, down]), bootstrap or Bootstrap())
    width = up.shape[1]
    names = ("start_probability", "end_probability", "structure_loss", "value_loss")
    numbers = {
        name: _number(int(up[:, k].sum()), int(down[:, k].sum()), drawn[:, k], drawn[:, width + k])
        for k, name in enumerate(names)
    }
    losses, counts = Counter[str](), Counter[str]()
    for one in seen:
        losses.update(one.losses)
        counts.update(one.counts)
    return {
        "num_rows": len(seen),
        "num_tokens": counts.total(),
        **numbers,
        "keys": {
            key: {"loss": rounded(losses[key] / FIXED / counts[key]), "num_tokens": counts[key]}
            for key in KEYS
            if counts[key]
        },
    }


def _matrices(seen: Sequence[Seen]) -> tuple[Counts, Counts]:
    """Sum the four numbers and what they are divided by, document by document."""
    units = {unit: place for place, unit in enumerate(dict.fromkeys(one.unit for one in seen))}
    up, down = np.zeros((len(units), 4), dtype=np.int64), np.zeros((len(units), 4), dtype=np.int64)
    for one in seen:
        place = units[one.unit]
        structure, count = one.losses[STRUCTURE], one.counts[STRUCTURE]
        values, value_count = one.losses.total() - structure, one.counts.total() - count
        up[place] += [round(one.start * FIXED), round(one.end * FIXED), structure, values]
        down[place] += [1, 1, count, value_count]
    return up, down


def _number(up: int, down: int, ups: statistics.Floats, downs: statistics.Floats) -> dict[str, Any]:
    if not down:
        return {"value": None, "low": None, "high": None}
    has = downs > 0
    ratios = np.where(has, ups / np.where(has, downs, 1.0), np.nan) / FIXED
    bounds = statistics.percentiles(ratios)
    return {
        "value": rounded(up / down / FIXED),
        "low": rounded(bounds[0]) if bounds else None,
        "high": rounded(bounds[1]) if bounds else None,
    }
