"""How long training rows are in tokens, and what fine_tune.py will do with those over model.max_seq_length.

Knows nothing about weights or training. Nothing is downloaded: without the tokenizer lengths are upper estimates.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgtune import prompt, supervision
from kgtune.examples import Example
from kgtune.ontology import Ontology
from kgtune.overlength import Fitter, advice, ledger_lines
from kgtune.settings import Config

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
    return Ruler("estimate", exact=False, measure=lambda row: fixed + estimate(row.text) + estimate(row.answer))


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


def estimate(text: str) -> int:
    """Return an upper estimate of Qwen's tokens for a text, 30 MB a second: by kinds of bytes, counted."""
    kinds = b" " + text.encode("utf-8", "replace").translate(_KINDS, _CONTINUATION)

    def runs(kind: bytes) -> int:
        return sum(kinds.count(bytes((before, *kind))) for before in b" a0.nzue" if before != kind[0])

    tokens = _WORD * runs(b"a") + _LETTER * kinds.count(b"a") + _MARKS * runs(b".") + _MARK * kinds.count(b".")
    tokens += runs(b"n") + kinds.count(b" 0")
    return round(tokens + sum(cost * kinds.count(kind.encode()) for kind, cost in _OTHER.items()))


# --- the survey of all train rows


def survey(rows: Iterable[Example], cfg: Config, ruler: Ruler) -> dict[str, Any]:
    """Measure the train rows and go through data.overlength as fine_tune.py will; plain values only.

    Held-out rows are no part of it: they are measured whole, whatever their length.
    """
    limit = cfg.model.max_seq_length
    fitter = Fitter(cfg.data.overlength, limit, ruler.measure)
    lengths: list[int] = []
    for row in rows:
        if row.split == "train":
            lengths.append(ruler.measure(row))
            fitter.fit(row, lengths[-1])
    lengths.sort()
    return {
        "measured_by": ruler.name,
        "exact": ruler.exact,
        "max_seq_length": limit,
        "rows": len(lengths),
        "tokens": _quantiles(lengths),
        "fit_at": {str(size): sum(length <= size for length in lengths) for size in FIT_AT},
        "over": len(fitter.too_long),
        "overlength": cfg.data.overlength,
        "rows_over": [{"id": key, "tokens": tokens} for key, tokens in sorted(fitter.too_long, key=lambda r: -r[1])],
        "advice": advice(fitter.too_long, limit) if fitter.too_long else "",
        "ledger": fitter.ledger.as_object(),
        "histogram": _histogram(lengths, limit),
    }


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
