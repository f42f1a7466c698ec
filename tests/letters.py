"""A vocabulary of single bytes, without torch or transformers: one token a byte, so that a text is its own tokens."""

from __future__ import annotations

import json
from functools import cache

from kgtune.decoding.constraint import Matching, StuckError, Vocabulary

STOP = 256


def _shown() -> list[str]:
    """How a byte-level tokenizer file writes the bytes: those that can't be seen are moved up."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    unseen = [byte for byte in range(256) if byte not in seen]
    return [chr(byte) if byte in seen else chr(256 + unseen.index(byte)) for byte in range(256)]


@cache
def vocabulary() -> Vocabulary:
    vocab = {shown: byte for byte, shown in enumerate(_shown())}
    end = {"id": STOP, "content": "<|im_end|>", "special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}  # fmt: skip
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    tokenizer = {
        "version": "1.0", "added_tokens": [end], "pre_tokenizer": byte_level, "decoder": byte_level,
        "model": {"type": "BPE", "vocab": vocab, "merges": []},
    }  # fmt: skip
    return Vocabulary(json.dumps(tokenizer), STOP + 1, [STOP])


def refused_at(matching: Matching, answer: str) -> int | None:
    """Feed an answer; return the byte at which it is refused, its length where only its end is, else None."""
    data = answer.encode()
    for at, byte in enumerate(data):
        if not matching.allows(byte):
            return at
        try:
            matching.take(byte)
        except StuckError:
            return at
    return None if matching.is_complete else len(data)
