"""The `Extractor` that owns a transformers model: prompts in, graphs out, greedy, batched.

Knows nothing about gold graphs, files or HTTP.
"""

from __future__ import annotations

import copy
import logging
import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import repeat
from typing import Any

from kgtune import prompt
from kgtune.decoding.constraint import Vocabulary
from kgtune.decoding.decoding import Batch, Prefix, Row, num_alike
from kgtune.decoding.grammar import Rules
from kgtune.decoding.writing import FreeWriting, GrammarWriting, Limits, Writing
from kgtune.errors import UserError
from kgtune.extraction.extractor import Extraction, Watch, read_answer
from kgtune.graph import EMPTY_TEXT, HALF_CHARACTER
from kgtune.model import TunedModel
from kgtune.ontology import Ontology
from kgtune.prompt import ChatTokenizer, Contract
from kgtune.settings import DecodingSettings

log = logging.getLogger(__name__)

ANSWER_MARGIN = 1.25  # an unseen text may need a longer answer than the longest one seen
# No entity takes fewer tokens: its keys alone are more. So many fit under the cap at most.
_TOKENS_PER_ENTITY = 8
_MOST_ENTITIES = 999
# The last string of an item and its bracket. A quote inside a string is escaped.
_ITEM_END = re.compile(r'(?<!\\)"\}')

Cancel = threading.Event | Sequence[threading.Event]


@dataclass
class TransformersExtractor:
    """Asks a model for graphs. `system` is the message it was trained on; the cap is in tokens.

    `rules` hold the answers to a grammar; without them a model writes what it likes.
    """

    model: Any
    tokenizer: ChatTokenizer
    system: str
    max_new_tokens: int
    batch_size: int
    name: str
    progress: Callable[[int, int], None] | None = None
    rules: Rules | None = None
    draft_tokens: int = 0
    _vocabulary: Vocabulary | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.rules is not None:
            self._vocabulary = vocabulary_of(self.tokenizer, self.model.config.vocab_size, self.stop_ids)
            check_cap(self.max_new_tokens, self._vocabulary)

    @classmethod
    def from_tuned(cls, tuned: TunedModel, decoding: DecodingSettings) -> TransformersExtractor:
        """Ask a model as its contract says."""
        cap = answer_cap(decoding, tuned.contract.max_answer_tokens)
        return cls(
            tuned.model,
            tuned.tokenizer,
            tuned.contract.system,
            cap,
            decoding.batch_size,
            tuned.name,
            rules=rules_for(tuned.contract, tuned.ontology, decoding, cap),
            draft_tokens=decoding.draft_tokens,
        )

    @property
    def stop_ids(self) -> set[int]:
        """The end-of-answer token, and whatever else the model's own settings end a text with."""
        own = self.model.generation_config.eos_token_id
        return {
            self.tokenizer.eos_token_id,
            *([own] if isinstance(own, int) else own or []),
        }

    def extract(self, texts: Sequence[str], *, cancel: Cancel | None = None) -> list[Extraction]:
        """Extract in batches of texts of like length; results come back in the order of `texts`.

        `cancel` is one event for all texts, or one for each: a text that nobody waits for leaves its batch.
        """
        return self.extract_watched(texts, [None] * len(texts), cancel=cancel)

    def extract_watched(
        self, texts: Sequence[str], watches: Sequence[Watch | None], *, cancel: Cancel | None = None
    ) -> list[Extraction]:
        """Extract as `extract` does, and show the watched answers as they grow."""
        events = cancel if isinstance(cancel, Sequence) else repeat(cancel, len(texts))
        waiting = sorted(zip(range(len(texts)), texts, events, watches, strict=True), key=lambda item: len(item[1]))
        results: dict[int, Extraction] = {}
        for start in range(0, len(waiting), self.batch_size):
            batch = waiting[start : start + self.batch_size]
            rows = [self._row(text, event, watch) for _, text, event, watch in batch]
            Batch(self.model, self._prefix, rows).run()
            results.update((number, self._read(text, row)) for (number, text, *_), row in zip(batch, rows, strict=True))
            if self.progress is not None:
                self.progress(len(results), len(texts))
        return [results[number] for number in range(len(texts))]

    @cached_property
    def _prefix(self) -> Prefix:
        """The system message's share of the prompt; what two texts have in common shows where it ends."""
        one, other = self._ids("a"), self._ids("1")
        return Prefix(self.model, one[: num_alike(one, other)])

    def _ids(self, text: str) -> list[int]:
        if HALF_CHARACTER.search(text):
            raise UserError("the text holds half a character (a lone surrogate). Save it as UTF-8 and read it again.")
        rendered = prompt.render(self.tokenizer, self.system, text)
        return list(self.tokenizer(rendered, add_special_tokens=False)["input_ids"])

    def _row(self, text: str, cancel: threading.Event | None, watch: Watch | None) -> Row:
        ids = self._ids(text)
        limits = Limits(self.max_new_tokens, self.draft_tokens)
        writing: Writing
        if self.rules is None or self._vocabulary is None:
            writing = FreeWriting(ids, self.stop_ids, limits)
        else:
            writing = GrammarWriting(self._vocabulary, self.rules, prompt.neutralise(text), limits)
        return Row(ids, writing, cancel, None if watch is None else self._showing(text, watch))

    def _showing(self, text: str, watch: Watch) -> Callable[[Writing], None]:
        """Return what shows a watch the answer of a text, each time that more of its items are firm."""
        num_shown = 0

        def show(writing: Writing) -> None:
            nonlocal num_shown
            answer = self._spelled(writing.firm(), text)
            # A free answer is firm to its last letter. Behind an item's end nothing is begun that the end could change.
            ends = [found.end() for found in _ITEM_END.finditer(answer, num_shown)]
            if ends:
                num_shown = ends[-1]
                watch(answer[:num_shown])

        return show

    def _spelled(self, tokens: Sequence[int], text: str) -> str:
        """Return the answer that tokens are, with what it copied from the text spelled as it stands there."""
        return prompt.restore(str(self.tokenizer.decode(list(tokens), skip_special_tokens=True)), text)

    def _read(self, text: str, row: Row) -> Extraction:
        writing = row.writing
        assert writing.finish is not None, "the batch ran to its end"
        raw = self._spelled(writing.tokens, text)
        read = read_answer(raw, writing.finish, len(row.prompt), len(writing.tokens))
        return replace(read, statistics=writing.statistics)


def vocabulary_of(tokenizer: Any, num_tokens: int, stop_ids: Collection[int]) -> Vocabulary:
    """The model's tokens as the grammar sees them; `num_tokens` is the width of its output, padding included."""
    backend = copy.copy(tokenizer.backend_tokenizer)
    backend.no_padding()
    backend.no_truncation()
    return Vocabulary(backend.to_str(), num_tokens, stop_ids)


def check_cap(max_tokens: int, vocabulary: Vocabulary) -> None:
    """Refuse a cap that holds no graph at all."""
    least = len(vocabulary.encode(EMPTY_TEXT.encode()))
    if max_tokens < least:
        raise UserError(
            f"decoding.max_new_tokens={max_tokens}: the empty graph alone takes {least} tokens of this model. "
            f"Set it to {least} at least, or to auto."
        )


def answer_cap(decoding: DecodingSettings, max_answer_tokens: int) -> int:
    """The token cap of an answer: as configured, or from the longest answer of the training data."""
    if decoding.max_new_tokens == "auto":
        return int(max_answer_tokens * ANSWER_MARGIN) + 16
    return int(decoding.max_new_tokens)


def rules_for(contract: Contract, ontology: Ontology, decoding: DecodingSettings, max_tokens: int) -> Rules | None:
    """What a model's answers are held to; None where nothing is. Says what stays free, and why."""
    if decoding.constraint == "none":
        return None
    floor = decoding.grounded_floor
    is_full = decoding.constraint == "full"
    shares = {
        label.name: contract.verbatim_names.get(label.name) for label in ontology.labels if label.anchored != "allow"
    }
    grounded = {name for name, share in shares.items() if is_full and share is not None and share >= floor}
    is_evidence_grounded = is_full and contract.verbatim_evidence is not None and contract.verbatim_evidence >= floor
    if is_full:
        named = {f"names of {name}": share for name, share in shares.items()}
        _say_what_is_free({**named, "evidence": contract.verbatim_evidence}, floor)
    return Rules(
        labels=ontology.label_names,
        types=ontology.type_names,
        is_closed=is_full,
        verbatim_labels=frozenset(grounded),
        is_evidence_verbatim=is_evidence_grounded,
        has_descriptions=contract.has_descriptions or not is_full,
        max_entities=min(_MOST_ENTITIES, max(1, max_tokens // _TOKENS_PER_ENTITY)),
        max_name_chars=decoding.max_name_chars,
        max_evidence_chars=decoding.max_evidence_chars,
    )


def _say_what_is_free(shares: Mapping[str, float | None], floor: float) -> None:
    free = [
        f"{name} ({'not recorded' if share is None else f'{share:.1%}'})"
        for name, share in shares.items()
        if share is None or share < floor
    ]
    if free:
        log.warning(
            "not held to the text, since less than decoding.grounded_floor=%.0f%% of what the model was trained on "
            "stands in it word for word: %s",
            100 * floor,
            ", ".join(free),
        )
