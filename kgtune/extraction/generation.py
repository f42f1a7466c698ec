"""The `Extractor` that owns a transformers model: prompts in, graphs out, greedy, batched.

Knows nothing about gold graphs, files or HTTP.
"""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import repeat
from typing import Any, Literal

from kgtune import prompt, runs
from kgtune.decoding.constraint import Vocabulary
from kgtune.decoding.decoding import Batch, Prefix, Row, gumbel, num_alike
from kgtune.decoding.grammar import Rules
from kgtune.decoding.writing import FreeWriting, GrammarWriting, Limits, Writing
from kgtune.errors import UserError
from kgtune.extraction import agreement, calibration
from kgtune.extraction.calibration import Calibration
from kgtune.extraction.extractor import Cancel, Extraction, Watch, read_answer, refuse_half_characters
from kgtune.extraction.rules import answer_cap, rules_for
from kgtune.graph import EMPTY_TEXT, Graph
from kgtune.model import TunedModel
from kgtune.ontology import Ontology
from kgtune.prompt import ChatTokenizer, Shot
from kgtune.settings import DecodingSettings

# The last string of an item and its bracket. A quote inside a string is escaped.
_ITEM_END = re.compile(r'(?<!\\)"\}')
# Within a string its quotation marks are escaped, so that this is found in the place of the key only.
_CONFIDENCE = re.compile(r'("confidence":\s*)[-+.0-9eE]+')


@dataclass
class TransformersExtractor:
    """Asks a model for graphs. `system` is the message it was trained on; the cap is in tokens.

    `rules` hold the answers to a grammar; without them a model writes what it likes. `shots` are examples that stand
    in every prompt, for a model that was not trained on ours.
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
    ontology: Ontology | None = None
    confidence: Literal["probability", "stated"] = "stated"
    calibration: Calibration | None = None
    num_samples: int = 0
    shots: Sequence[Shot] = ()
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
            ontology=tuned.ontology,
            confidence=decoding.confidence,
            num_samples=decoding.samples,
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
        """Extract as `extract` does, and show the watched answers as they grow, with the confidence that counts.

        Where that is a share of several answers nothing is shown: it is not known before the last one's end.
        """
        found = self._extracted(texts, cancel, None, None if self.num_samples else watches)
        drawn = [self._extracted(texts, cancel, seed) for seed in range(self.num_samples)]
        if drawn:
            found = [agreement.agreed(one, others) for one, *others in zip(found, *drawn, strict=True)]
        return found

    def _extracted(
        self,
        texts: Sequence[str],
        cancel: Cancel | None,
        seed: int | None,
        watches: Sequence[Watch | None] | None = None,
    ) -> list[Extraction]:
        """Extract greedily, or with a seed draw answers at random."""
        watches = watches or [None] * len(texts)
        events = cancel if isinstance(cancel, Sequence) else repeat(cancel, len(texts))
        waiting = sorted(zip(range(len(texts)), texts, events, watches, strict=True), key=lambda item: len(item[1]))
        results: dict[int, Extraction] = {}
        for start in range(0, len(waiting), self.batch_size):
            batch = waiting[start : start + self.batch_size]
            rows = [self._row(text, event, seed, watch) for _, text, event, watch in batch]
            Batch(self.model, self._prefix, rows).run()
            results.update((number, self._read(text, row)) for (number, text, *_), row in zip(batch, rows, strict=True))
            if self.progress is not None and seed is None:
                self.progress(len(results), len(texts))
        return [results[number] for number in range(len(texts))]

    @cached_property
    def _prefix(self) -> Prefix:
        """The system message's share of the prompt; what two texts have in common shows where it ends."""
        one, other = self._ids("a"), self._ids("1")
        return Prefix(self.model, one[: num_alike(one, other)])

    def num_text_tokens(self, text: str) -> int:
        """Count the tokens that a text adds to the prompt."""
        rendered = prompt.render(self.tokenizer, self.system, text)
        # quietly: that a text is longer than the model takes is why it is measured
        ids = self.tokenizer(rendered, add_special_tokens=False, verbose=False)["input_ids"]
        return len(ids) - self._num_frame_tokens

    @cached_property
    def _num_frame_tokens(self) -> int:
        return len(self._ids("a")) - 1

    def _ids(self, text: str) -> list[int]:
        refuse_half_characters(text)
        rendered = prompt.render(self.tokenizer, self.system, text, self.shots)
        return list(self.tokenizer(rendered, add_special_tokens=False)["input_ids"])

    def _row(self, text: str, cancel: threading.Event | None, seed: int | None, watch: Watch | None = None) -> Row:
        ids = self._ids(text)
        limits = Limits(self.max_new_tokens, self.draft_tokens)
        writing: Writing
        if self.rules is None or self._vocabulary is None:
            writing = FreeWriting(ids, self.stop_ids, limits)
        else:
            writing = GrammarWriting(self._vocabulary, self.rules, prompt.neutralise(text), limits)
        # by text and number, so that neither order nor batches change what is drawn
        noise = None if seed is None else gumbel(int(runs.text_hash(f"{seed}\0{text}")[:12], 16))
        return Row(ids, writing, cancel, noise, None if watch is None else self._showing(text, watch))

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
                watch(self._surely(answer[:num_shown], writing.probabilities))

        return show

    def _spelled(self, tokens: Sequence[int], text: str) -> str:
        """Return the answer that tokens are, with what it copied from the text spelled as it stands there."""
        return prompt.restore(str(self.tokenizer.decode(list(tokens), skip_special_tokens=True)), text)

    def _read(self, text: str, row: Row) -> Extraction:
        writing = row.writing
        assert writing.finish is not None, "the batch ran to its end"
        raw = self._spelled(writing.tokens, text)
        read = read_answer(raw, writing.finish, len(row.prompt), len(writing.tokens))
        read = replace(read, statistics=writing.statistics)
        if (graph := read.graph) is None or not writing.probabilities:
            return read
        probabilities = tuple(writing.probabilities[: len(graph.relationships)])
        if self.confidence == "probability":
            graph = self._sure(graph, probabilities)
        return replace(read, graph=graph, probabilities=probabilities)

    def _sure(self, graph: Graph, probabilities: Sequence[float]) -> Graph:
        """Put in the place of the model's word how probable a relationship was, by the calibration if there is one."""
        edges = zip(graph.relationships, self._confidences(probabilities), strict=True)
        return replace(graph, relationships=tuple(replace(r, confidence=said) for r, said in edges))

    def _surely(self, answer: str, probabilities: Sequence[float]) -> str:
        """Do in an answer that is not at its end what `_sure` does in its graph."""
        if self.confidence != "probability" or not probabilities:
            return answer
        said = self._confidences(probabilities)
        return _CONFIDENCE.sub(lambda found: found[1] + json.dumps(next(said)), answer)

    def _confidences(self, probabilities: Sequence[float]) -> Iterator[float]:
        return (calibration.given(self.calibration, one) for one in probabilities)


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
