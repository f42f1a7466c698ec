"""How long training rows are in tokens, and what fine_tune.py will do with those over model.max_seq_length.

Knows nothing about weights or training. Nothing is downloaded: without the tokenizer lengths are upper estimates.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kgtune import prompt
from kgtune.conversion.overlength import Fitter, Ledger, Policy, Sizes, advice, ledger_lines, sizes_of
from kgtune.examples import Example
from kgtune.ontology import Ontology
from kgtune.settings import Config
from kgtune.training import supervision

log = logging.getLogger(__name__)

FIT_AT = (1024, 1536, 2048, 4096, 8192)
_MOST_BINS = 40
_MOST_LISTED = 10


@dataclass(frozen=True, slots=True)
class Ruler:
    """Measures prompt and answer of a row in tokens: `exact` by the model's own tokenizer, else an upper estimate."""

    name: str
    exact: bool
    measure: Callable[[Example], int]


def ruler_for(cfg: Config, ontology: Ontology) -> Ruler:
    """Return the tokenizer in the local folder model.model_id, or, where there is none, the estimate."""
    system = prompt.system_message(ontology, cfg.prompt.guidelines)
    folder = Path(cfg.model.model_id)
    tokenizer = _tokenizer(folder) if folder.is_dir() else None
    if tokenizer is not None:
        return Ruler(str(folder), exact=True, measure=lambda row: supervision.num_tokens(row, tokenizer, system))
    fixed = estimate(system) + _TEMPLATE_TOKENS
    return Ruler("estimate", exact=False, measure=partial(_estimated, fixed))


def _estimated(fixed: int, row: Example) -> int:
    return fixed + estimate(row.text) + estimate(row.answer)


def _tokenizer(folder: Path) -> Any:
    try:
        from transformers import AutoTokenizer  # seconds, and fine_tune.py's dependency: only where it is of use

        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except (ImportError, OSError, ValueError, KeyError, TypeError) as error:  # what broken files make it raise
        reason = f"{type(error).__name__}: {error}"
        log.warning("%s: its tokenizer can't be read (%s); lengths are estimates.", folder, reason)
        return None
    tokenizer.model_max_length = 1_000_000_000  # no warning: rows are measured, not fed
    return tokenizer if tokenizer.chat_template else None  # fine_tune.py says what to do about it


# --- the estimate

# Qwen's byte-level BPE takes each digit alone, with a space before it as a token of its own; words cost by their
# number and length, since names are cut into pieces; a run of marks is mostly one token. Measured against Qwen's
# own tokenizer on 1,395 rows, Chinese and English, with four system messages each: 1.09 to 1.59 times its count,
# median 1.30; on two reports of 28,000 and 50,000 characters 1.32 and 1.24 times.
_WORD, _LETTER, _MARKS, _MARK = 0.47, 0.23, 0.9, 0.1
_OTHER = {"0": 1.0, "z": 1.0, "u": 1.0, "e": 3.0}  # digit; character of 3 bytes (Chinese), of 2, of 4 (emoji)
_TEMPLATE_TOKENS = 20  # <|im_start|>, role, newline and <|im_end|> of three messages: 15 in Qwen's template


def _kind(byte: int) -> str:
    if byte >= 0x80:
        return "e" if byte >= 0xF0 else "z" if byte >= 0xE0 else "u"
    character = chr(byte)
    if character.isalnum():
        return "a" if character.isalpha() else "0"
    return ("n" if character in "\r\n" else " ") if character.isspace() else "."


_KINDS = "".join(map(_kind, range(256))).encode()
_CONTINUATION = bytes(range(0x80, 0xC0))
# Everything but one kind is white space: what is left in between are its runs.
_ONLY = {kind: bytes(ord("x") if chr(byte) == kind else ord(" ") for byte in range(256)) for kind in "a.n"}


def estimate(text: str) -> int:
    """Return an upper estimate of Qwen's tokens for a text, 100 MB a second: by kinds of bytes, counted."""
    kinds = b" " + text.encode("utf-8", "replace").translate(_KINDS, _CONTINUATION)

    def runs(kind: str) -> int:
        return len(kinds.translate(_ONLY[kind]).split())

    tokens = _WORD * runs("a") + _LETTER * kinds.count(b"a") + _MARKS * runs(".") + _MARK * kinds.count(b".")
    tokens += runs("n") + kinds.count(b" 0")
    return round(tokens + sum(cost * kinds.count(kind.encode()) for kind, cost in _OTHER.items()))


# --- the survey of all train rows


@dataclass(frozen=True, slots=True)
class Length:
    """A row, measured, and what of it fits; `ledger` where it is over the limit."""

    id: str
    num_tokens: int
    sizes: Sizes
    ledger: Ledger | None = None


def measured(row: Example, ruler: Ruler, policy: Policy, limit: int) -> Length:
    """Measure a row, and go through data.overlength as fine_tune.py will."""
    num_tokens = ruler.measure(row)
    if num_tokens <= limit:
        return Length(row.id, num_tokens, sizes_of(row))
    fitter = Fitter(policy, limit, ruler.measure)
    fitter.fit(row, num_tokens)
    return Length(row.id, num_tokens, sizes_of(row), fitter.ledger)


class Survey:
    """Gathers the lengths of the train rows, one by one. Held-out rows are no part of it: they are measured whole."""

    def __init__(self, policy: Policy, limit: int, ruler: Ruler) -> None:
        self._policy, self._limit, self._ruler = policy, limit, ruler
        self._lengths = array("Q")
        self._too_long: list[tuple[str, int]] = []
        self._ledger = Ledger()

    def add(self, length: Length) -> None:
        """Count a row."""
        self._lengths.append(length.num_tokens)
        if length.ledger is None:
            self._ledger.fits(length.num_tokens, length.sizes)
        else:
            self._too_long.append((length.id, length.num_tokens))
            self._ledger.add(length.ledger)

    def as_object(self) -> dict[str, Any]:
        """Return plain values, in a fixed order."""
        lengths, limit, over = sorted(self._lengths), self._limit, self._too_long
        return {
            "measured_by": self._ruler.name,
            "exact": self._ruler.exact,
            "max_seq_length": limit,
            "rows": len(lengths),
            "tokens": _quantiles(lengths),
            "fit_at": {str(size): sum(length <= size for length in lengths) for size in FIT_AT},
            "over": len(over),
            "overlength": self._policy,
            "rows_over": [{"id": key, "tokens": tokens} for key, tokens in sorted(over, key=lambda r: -r[1])],
            "advice": advice(over, limit) if over else "",
            "ledger": self._ledger.as_object(),
            "histogram": _histogram(lengths, limit),
        }


def survey(rows: Iterable[Example], cfg: Config, ruler: Ruler) -> dict[str, Any]:
    """Measure the train rows of some in memory; plain values only."""
    policy, limit = cfg.data.overlength, cfg.model.max_seq_length
    found = Survey(policy, limit, ruler)
    for row in rows:
        if row.split == "train":
            found.add(measured(row, ruler, policy, limit))
    return found.as_object()


def _quantiles(ordered: list[int]) -> dict[str, int]:
    last = len(ordered) - 1
    return {"p50": ordered[last // 2], "p95": ordered[round(last * 0.95)], "max": ordered[-1]} if ordered else {}


def _histogram(ordered: list[int], limit: int) -> dict[str, Any]:
    """Count rows by bins whose width is a power of two, so that a bin ends at any usual limit."""
    longest = max([limit, *ordered[-1:]])
    width = 16
    while width * _MOST_BINS < longest:
        width *= 2
    counts = [0] * -(-longest // width)
    for length in ordered:
        counts[(length - 1) // width] += 1
    return {"bin_tokens": width, "rows": counts}


def as_text(lengths: Mapping[str, Any]) -> str:
    """Write a survey for a person: lengths, and what fine_tune.py will do with the rows over the limit."""
    if not lengths["rows"]:
        return "tokens per train row: there are no train rows"
    mark = "" if lengths["exact"] else " (estimate)"
    how = f"by the tokenizer of {lengths['measured_by']}" if lengths["exact"] else _UPPER
    over, limit, policy = lengths["over"], lengths["max_seq_length"], lengths["overlength"]
    tokens = ", ".join(f"{key} {number}" for key, number in lengths["tokens"].items())
    lines = [
        f"tokens per train row{mark}: {tokens}; {how}",
        f"  rows that fit{mark}: {', '.join(f'{number} at {size}' for size, number in lengths['fit_at'].items())}",
        f"  over model.max_seq_length={limit}{mark}: {over}",
    ]
    if over:
        lines.append(f"  fine_tune.py with data.overlength={policy} {OUTCOME[policy]}")
        lines += [f"    {row['tokens']:>7} tokens{mark}  {row['id']}" for row in lengths["rows_over"][:_MOST_LISTED]]
        if over > _MOST_LISTED:
            lines.append(f"    ... and {over - _MOST_LISTED} shorter ones; the report lists all")
        lines.append(f"  {lengths['advice']}")
    if over and policy != "refuse":
        lines += [f"  what that costs{mark}:", *ledger_lines(lengths["ledger"])]
    return "\n".join(lines)


_UPPER = "upper estimates, since the tokenizer isn't here; fine_tune.py counts exactly"
OUTCOME = {
    "refuse": "will refuse the file for these rows:",
    "drop": "will leave these rows out:",
    "window": "will cut the texts of these rows into windows:",
}
