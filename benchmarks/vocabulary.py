"""A made-up vocabulary as large as Qwen's: bytes, syllables, words, Chinese pairs, JSON punctuation, and their merges.

Knows nothing about what is measured with it. Every prefix of a token is a token, so that merges can build it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

SIZE = 152_064
_END = "<|im_end|>"
_PUNCTUATION = [
    '","',
    '":"',
    '":""},{"',
    '"}],"',
    '":[{"',
    '"},{"',
    '":[]}',
    "\\n",
    '\\"',
    "\\\\",
    "://",
    "...",
    "--",
    "].",
]


def tokenizer_json(seed: int = 0) -> str:
    """Write a byte-level BPE tokenizer of `SIZE` tokens as the tokenizers library does; the last one ends an answer."""
    shown = _shown()
    vocab = {character: byte for byte, character in enumerate(shown)}
    merges: list[tuple[str, str]] = []
    for word in _words(random.Random(seed)):
        spelled = "".join(shown[byte] for byte in word.encode())
        for end in range(2, len(spelled) + 1):
            if spelled[:end] not in vocab and len(vocab) < SIZE - 1:
                vocab[spelled[:end]] = len(vocab)
                merges.append((spelled[: end - 1], spelled[end - 1]))
        if len(vocab) == SIZE - 1:
            break
    end_token = {"id": SIZE - 1, "content": _END, "special": True, "single_word": False, "lstrip": False,
                 "rstrip": False, "normalized": False}  # fmt: skip
    pattern = {"Regex": r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"}
    split = {"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}
    to_bytes = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [end_token],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, to_bytes]},
        "decoder": to_bytes,
        "model": {"type": "BPE", "vocab": vocab, "merges": merges},
    }
    return json.dumps(tokenizer, ensure_ascii=False)


def _shown() -> list[str]:
    """How such a file writes bytes: those that can't be seen are moved up."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    unseen = iter(range(256, 512))
    return [chr(byte) if byte in seen else chr(next(unseen)) for byte in range(256)]


def _words(rng: random.Random) -> Iterator[str]:
    """Draw words as a large vocabulary has them: JSON's and the contract's first, then both scripts for ever."""
    yield from _PUNCTUATION
    yield from "entities relationships labels id name description type source target confidence evidence".split()
    consonants, vowels = "b c d f g h k l m n p r s t v w st tr ch sh".split(), "a e i o u ea ou".split()
    while True:
        if rng.random() < 0.2:
            yield "".join(chr(rng.randint(0x4E00, 0x9FA5)) for _ in range(rng.choice([1, 1, 2, 2, 3])))
            continue
        word = "".join(rng.choice(consonants) + rng.choice(vowels) for _ in range(rng.randint(1, 4)))
        word += rng.choice(["", "n", "s", "r", "ing", "ed"])
        yield rng.choice(["", " ", " "]) + rng.choice([word, word, word.capitalize(), word.upper()])
