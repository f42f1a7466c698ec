"""A grammar at work on tokens: which may come next, which must, and what was written so far.

Knows nothing about graphs, models or torch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property

import llguidance

from kgtune.errors import ModelError

# An error's text would quote grammar and answer, and texts are not logged. The fuel is for 500,000 characters of
# verbatim text, which take 3 s to compile; the library's default ends at 100,000.
_LIMITS = llguidance.LLParserLimits(verbose_errors=False, initial_lexer_fuel=10_000_000)


class StuckError(Exception):
    """The matcher gave up: a limit of its own, or a vocabulary that can't spell what must come. A bug if it is ours."""


class Vocabulary:
    """The tokens of a model, as bytes. Making one takes about 5 seconds at 152,000 tokens: make one per model."""

    def __init__(self, tokenizer_json: str, num_tokens: int, stop_ids: Collection[int]) -> None:
        self.num_tokens = num_tokens
        self._tokenizer = llguidance.LLTokenizer(tokenizer_json, n_vocab=num_tokens, eos_token=sorted(stop_ids))
        if not self._tokenizer.is_canonical:
            raise ModelError(
                "the tokenizer has no canonical spelling of a text, so that forced tokens would differ from those "
                "that were trained. Use a byte-level BPE tokenizer (Qwen's is one), or decoding.constraint=none."
            )

    def encode(self, text: bytes) -> list[int]:
        """Tokenise as a tokenizer would; byte by byte what that would change (Qwen's composes accents)."""
        tokens = list(self._tokenizer.tokenize_bytes(text))
        return tokens if self.spell(tokens) == text else [self._bytes[byte] for byte in text]

    @cached_property
    def _bytes(self) -> dict[int, int]:
        spelled = ((self.spell([token]), token) for token in reversed(range(self.num_tokens)))
        return {piece[0]: token for piece, token in spelled if len(piece) == 1}

    def spell(self, tokens: Iterable[int]) -> bytes:
        return bytes(self._tokenizer.decode_bytes(list(tokens)))

    def matching(self, grammar: str, tokens: Iterable[int] = ()) -> Matching:
        """Start a grammar, and replay tokens that it lets through."""
        source = llguidance.LLMatcher.grammar_from_lark(grammar)
        matching = Matching(llguidance.LLMatcher(self._tokenizer, source, log_level=0, limits=_LIMITS))
        for token in tokens:
            matching.take(token)
        return matching


class Matching:
    """A grammar and a place in it. Tokens are taken one by one, and can be given back in reverse."""

    def __init__(self, matcher: llguidance.LLMatcher) -> None:
        self._matcher = matcher
        self._check()

    @property
    def is_complete(self) -> bool:
        """True when nothing may follow."""
        return bool(self._matcher.is_stopped())

    def forced(self) -> list[int]:
        """Return the tokens that must come next, spelled as a tokenizer would; none where there is a choice."""
        tokens = list(self._matcher.compute_ff_tokens())
        self._check()
        return tokens

    def allows(self, token: int) -> bool:
        return bool(self._matcher.validate_tokens([token]) == 1)

    def take(self, token: int) -> None:
        self._matcher.consume_token(token)
        self._check()

    def give_back(self, number: int) -> None:
        self._matcher.rollback(number)
        self._check()

    def allowed(self) -> bytes:
        """Return the tokens that may come next, one bit each, the lowest bit first."""
        mask = bytes(self._matcher.compute_bitmask())
        self._check()
        return mask

    def _check(self) -> None:
        if self._matcher.is_error():
            raise StuckError(self._matcher.get_error().splitlines()[0][:200])
