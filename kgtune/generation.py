"""Greedy generation, batched: the `Extractor` that owns a transformers model.

Knows nothing about gold graphs, files or HTTP.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from kgtune import prompt
from kgtune.extractor import Extraction, FinishReason, read_answer
from kgtune.model import TunedModel
from kgtune.prompt import ChatTokenizer
from kgtune.settings import DecodingSettings

ANSWER_MARGIN = 1.25  # an unseen text may need a longer answer than the longest one seen


@dataclass
class TransformersExtractor:
    """Asks a model for graphs. `system` is the message it was trained on; the cap is in tokens."""

    model: Any
    tokenizer: ChatTokenizer
    system: str
    max_new_tokens: int
    batch_size: int
    name: str
    progress: Callable[[int, int], None] | None = None

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
        )

    @property
    def stop_ids(self) -> set[int]:
        """The end-of-answer token, and whatever else the model's own settings end a text with."""
        own = self.model.generation_config.eos_token_id
        return {
            self.tokenizer.eos_token_id,
            *([own] if isinstance(own, int) else own or []),
        }

    def extract(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> list[Extraction]:
        """Extract in batches of texts of like length; results come back in the order of `texts`."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        results: dict[int, Extraction] = {}
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            extractions = self._batch([texts[i] for i in batch], cancel)
            results.update(zip(batch, extractions, strict=True))
            if self.progress is not None:
                self.progress(len(results), len(texts))
        return [results[i] for i in range(len(texts))]

    def _batch(self, texts: list[str], cancel: threading.Event | None) -> list[Extraction]:
        prompts = [prompt.render(self.tokenizer, self.system, text) for text in texts]
        inputs = self.tokenizer(prompts, add_special_tokens=False, padding=True, return_tensors="pt")
        inputs = {key: value.to(self.model.device) for key, value in inputs.items() if key != "token_type_ids"}
        with torch.inference_mode():
            output = self.model.generate(
                **inputs,
                do_sample=False,
                max_new_tokens=self.max_new_tokens,
                pad_token_id=self.tokenizer.pad_token_id,  # type: ignore[attr-defined]
                eos_token_id=sorted(self.stop_ids),
                stopping_criteria=[_Cancelled(cancel)] if cancel is not None else None,
                **_GREEDY,
            )
        answers = output[:, inputs["input_ids"].shape[1] :].tolist()
        lengths = inputs["attention_mask"].sum(dim=1).tolist()
        return [
            self._read(text, ids, length, is_cancelled=cancel is not None and cancel.is_set())
            for text, ids, length in zip(texts, answers, lengths, strict=True)
        ]

    def _read(self, text: str, ids: list[int], num_prompt_tokens: int, *, is_cancelled: bool) -> Extraction:
        stop_at = next((i for i, token in enumerate(ids) if token in self.stop_ids), None)
        finish: FinishReason = "stop" if stop_at is not None else "cancelled" if is_cancelled else "length"
        kept = ids[:stop_at]
        raw = prompt.restore(str(self.tokenizer.decode(kept, skip_special_tokens=True)), text)
        return read_answer(raw, finish, int(num_prompt_tokens), len(kept))


# An Instruct model's generation_config.json asks for sampling; greedy decoding must not inherit its knobs.
_GREEDY: dict[str, Any] = {
    "temperature": None,
    "top_p": None,
    "top_k": None,
    "repetition_penalty": 1.0,
}


def answer_cap(decoding: DecodingSettings, max_answer_tokens: int) -> int:
    """The token cap of an answer: as configured, or from the longest answer of the training data."""
    if decoding.max_new_tokens == "auto":
        return int(max_answer_tokens * ANSWER_MARGIN) + 16
    return int(decoding.max_new_tokens)


class _Cancelled:
    """Stops every row of a batch within one step of the event being set."""

    def __init__(self, event: threading.Event) -> None:
        self.event = event

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        return torch.full(
            (input_ids.shape[0],),
            self.event.is_set(),
            dtype=torch.bool,
            device=input_ids.device,
        )
