"""One answer in the making: what is forced, guessed, asked of the model, taken, cut and closed.

Knows nothing about torch or batches: whoever runs the model feeds it the tokens and tells its choices here.

The answer is greedy: the one that the model gives when it is asked for one token at a time and says its most
probable allowed token each time. Forced tokens and guesses only save forward passes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from kgtune.decoding import grammar
from kgtune.decoding.constraint import StuckError, Vocabulary
from kgtune.decoding.drafts import NGRAM, Drafter, Recall, Source
from kgtune.decoding.grammar import Rules
from kgtune.decoding.outline import Boundary, Outline
from kgtune.extraction.extractor import FinishReason, Statistics

log = logging.getLogger(__name__)

Best = Callable[[int, bytes], int]
"""The model's most probable token among the allowed ones, behind so many tokens of the draft."""
Likelihood = Callable[[int, bytes, int], float]
"""The probability of a token among the allowed ones, behind so many tokens of the draft."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Tokens of an answer, and of a draft, at most. `heeds_loops`: whether an answer that repeats itself is cut."""

    max_tokens: int
    draft_tokens: int
    heeds_loops: bool = True


class Writing(Protocol):
    """An answer that grows: `prepare`, feed `tokens` and `draft` to the model, `settle`, until it is finished."""

    tokens: list[int]
    draft: list[int]
    finish: FinishReason | None
    statistics: Statistics
    probabilities: list[float]
    """Of each relationship, in their order: how probable its type, source and target were among what was allowed."""

    def prepare(self) -> None:
        """Take the forced tokens and draft on; the model is asked what follows, unless that finished it."""
        ...

    def settle(self, choices: Sequence[int], best: Best, likelihood: Likelihood | None = None) -> None:
        """Take the model's choices, one behind `tokens` and one behind each token of `draft`."""
        ...

    def firm(self) -> list[int]:
        """Return the tokens that the finished answer will begin with, whatever comes; more of them each time."""
        ...


class FreeWriting:
    """An answer without constraint, up to a stop token. Drafts repeat what followed the same tokens before."""

    def __init__(self, prompt_ids: Sequence[int], stop_ids: Collection[int], limits: Limits) -> None:
        self.tokens: list[int] = []
        self.draft: list[int] = []
        self.finish: FinishReason | None = None
        self.statistics = Statistics()
        self.probabilities: list[float] = []  # nothing is known of what else could have been written
        self._stop_ids = stop_ids
        self._limits = limits
        self._recall = Recall(prompt_ids)

    def prepare(self) -> None:
        room = min(self._limits.draft_tokens, self._limits.max_tokens - len(self.tokens) - 1)
        self.draft = list(self._recall.after(self._recall.tokens)[:room])
        self.statistics.num_drafted_tokens += len(self.draft)

    def settle(self, choices: Sequence[int], best: Best, likelihood: Likelihood | None = None) -> None:
        self.statistics.num_forward_passes += 1
        for choice, expected in zip(choices, [*self.draft, None], strict=True):
            if choice in self._stop_ids:
                self.finish = "stop"
                return
            self.tokens.append(choice)
            self._recall.extend([choice])
            if len(self.tokens) == self._limits.max_tokens:
                self.finish = "length"
                return
            if choice != expected:
                return
            self.statistics.num_accepted_tokens += 1

    def firm(self) -> list[int]:
        return self.tokens


class GrammarWriting:
    """An answer that keeps to the grammar of `rules` and `text`, and stays a graph when tokens run out."""

    def __init__(self, vocabulary: Vocabulary, rules: Rules, text: str, limits: Limits) -> None:
        self.draft: list[int] = []
        self.finish: FinishReason | None = None
        self.statistics = Statistics()
        self._vocabulary = vocabulary
        self._rules = rules
        self._source = Source(text)
        self._limits = limits
        self._forced: list[bool] = []
        try:
            self._begin([], None)
        except StuckError as error:
            log.warning("names and evidence of a text of %d characters are free: %s", len(text), error)
            self._rules = replace(rules, verbatim_labels=frozenset(), is_evidence_verbatim=False)
            self._begin([], None)

    def _begin(self, tokens: list[int], max_entities: int | None) -> None:
        """Write on behind `tokens`, with at most so many entities."""
        self.tokens = tokens
        source = grammar.lark(self._rules, self._source.text, max_entities=max_entities)
        self._matching = self._vocabulary.matching(source, tokens)
        self._outline = Outline(self._source.spelled)
        self.probabilities: list[float] = []
        self._probability = 1.0
        self._drafter = Drafter(self._source, self._vocabulary.encode)
        self._drafter.read(tokens)
        for token in tokens:
            self._outline.feed(self._vocabulary.spell([token]))

    def prepare(self) -> None:
        self.draft, self._forced = [], []
        try:
            while self.finish is None and (forced := self._matching.forced()):
                self.statistics.num_forced_tokens += self._take_all(forced)
            if self.finish is None:
                self._guess()
        except StuckError as error:
            self._give_up(error)

    def _take_all(self, tokens: Sequence[int]) -> int:
        for number, token in enumerate(tokens, start=1):
            if not self._take(token):
                return number
        return len(tokens)

    def settle(self, choices: Sequence[int], best: Best, likelihood: Likelihood | None = None) -> None:
        self.statistics.num_forward_passes += 1
        try:
            for position, choice in enumerate(choices):
                expected, is_forced = self._drafted(position)
                token = expected if is_forced else self._chosen(choice, position, best)
                if likelihood is not None and not is_forced and self._outline.is_choosing_edge:
                    self._probability *= likelihood(position, self._matching.allowed(), token)
                self.statistics.num_forced_tokens += is_forced
                self.statistics.num_accepted_tokens += token == expected and not is_forced
                if not self._take(token) or token != expected:
                    return
        except StuckError as error:
            self._give_up(error)

    def _drafted(self, position: int) -> tuple[int, bool]:
        """The token that was drafted there, and whether the grammar forced it; behind the draft there is none."""
        return (self.draft[position], self._forced[position]) if position < len(self.draft) else (-1, False)

    def _chosen(self, choice: int, position: int, best: Best) -> int:
        if self._matching.allows(choice):
            return choice
        self.statistics.num_overruled_tokens += 1
        return best(position, self._matching.allowed())

    def _take(self, token: int) -> bool:
        """Add a token. False when the draft behind it is void: the answer is finished, or was led out of a loop."""
        self._matching.take(token)
        self.tokens.append(token)
        self._drafter.read([token])
        if self._outline.feed(self._vocabulary.spell([token])) and self._limits.heeds_loops:
            self._leave_loop()
            return False
        if len(self._outline.relationships) > len(self.probabilities):
            self.probabilities.append(self._probability)
            self._probability = 1.0
        if self._matching.is_complete:
            self.finish = "stop"
        elif len(self.tokens) == self._limits.max_tokens:
            self._close("length")
        return self.finish is None

    def _leave_loop(self) -> None:
        """Drop the item that repeats. The list of entities ends before it; a list of relationships ends the answer."""
        self.statistics.num_loops += 1
        if self._outline.section == "relationships":
            self._close("stop")
            return
        boundary = self._outline.boundaries[-1]
        self._begin(self.tokens[: boundary.num_tokens], boundary.num_entities)

    def _close(self, finish: FinishReason) -> None:
        """End the answer behind the last item that leaves room for the closing brackets.

        What was begun is dropped: a string that is cut short would be another name, or no evidence.
        """
        boundary, tokens = self._last_that_fits()
        self.finish = finish if boundary is self._outline.boundaries[-1] else "length"
        self.tokens = tokens

    def _last_that_fits(self) -> tuple[Boundary, list[int]]:
        """Return the last place where the cap has room to close the answer, and the answer closed there."""
        for boundary in reversed(self._outline.boundaries):
            tokens = self.tokens[: boundary.num_tokens] + self._vocabulary.encode(boundary.rest)
            if len(tokens) <= self._limits.max_tokens:
                return boundary, tokens
        raise AssertionError(f"a cap of {self._limits.max_tokens} tokens does not hold the empty graph")

    def firm(self) -> list[int]:
        """Return the answer up to an item that stays: one that leaves no room for the brackets may be dropped yet."""
        boundary, _ = self._last_that_fits()
        return self.tokens[: boundary.num_tokens] + self._vocabulary.encode(boundary.ending)

    def _give_up(self, error: StuckError) -> None:
        log.warning("an answer was closed before its end: %s", error)
        self._close("length")

    def _guess(self) -> None:
        """Draft on from here: forced tokens where there are some, else guesses that the grammar allows."""
        room = min(self._limits.draft_tokens, self._limits.max_tokens - len(self.tokens) - 1)
        outline = self._outline.fork()
        behind = list(self.tokens[-NGRAM:])
        guess: list[int] = []
        while len(self.draft) < room and not self._matching.is_complete:
            forced = self._matching.forced()
            if not forced and not (guess and self._matching.allows(guess[0])):
                guess = list(self._drafter.guess(outline, behind))
            if not forced and not (guess and self._matching.allows(guess[0])):
                break
            step = forced[: room - len(self.draft)] or [guess.pop(0)]
            if forced:
                guess = []
            for token in step:
                self._matching.take(token)
                outline.feed(self._vocabulary.spell([token]))
            behind += step
            self.draft += step
            self._forced += [bool(forced)] * len(step)
        self._matching.give_back(len(self.draft))
        self.statistics.num_drafted_tokens += self._forced.count(False)
