"""Train the embedded base model from nothing: tokenizer, copying, then lessons; `python -m kgtune.demo.pretrain`.

Knows nothing about fine-tuning or the toolkit's JSON. Leaves model folders, a log and pretraining.json under --out.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from kgtune.demo.copying import copy_accuracy, copy_loss, copy_rows, span_loss, span_rows
from kgtune.demo.corpus import documents
from kgtune.demo.lesson_batches import ANSWER, PASSAGE, Batch, batches, batches_from_process
from kgtune.demo.lessons import lessons
from kgtune.demo.muon import Muon
from kgtune.demo.tokenizer import SPECIALS, VOCAB_SIZE, train_tokenizer
from kgtune.demo.wiring import wire_copying

log = logging.getLogger("kgtune.demo.pretrain")

_HIDDEN, _HEADS, _INNER, _COPY_LAYERS = 192, 6, 512, 2
_TOKENIZER_LESSONS = 8_000
_MATRIX_RATE, _OTHER_RATE = 3e-3, 2e-3
_TOKENS_PER_BATCH, _MAX_TOKENS = 4096, 1024
_WARMUP_STEPS = 50
# A passage is mostly names nobody can foresee: few of its tokens are scored, at half weight.
_PASSAGE_SHARE, _PASSAGE_WEIGHT = 0.12, 0.5
_COPY_LENGTHS, _COPY_ENOUGH = (8, 128), 0.97
_SPAN_ROWS, _SPAN_LENGTH, _SPAN_WEIGHT = 1, 320, 0.5
_SAVE_EVERY_S = 480.0
_LOG_EVERY_STEPS = 50


@dataclass
class Record:
    """What a run used and measured; written as pretraining.json, from which a test makes every passage again.

    A run that continues another one has that one's record in `earlier`.
    """

    seed: int
    is_short: bool = False
    num_documents: int = 0
    num_lessons: int = 0
    num_dropped: int = 0
    num_lesson_tokens: int = 0
    num_copy_tokens: int = 0
    num_span_tokens: int = 0
    seconds: float = 0.0
    copy_accuracy: float = 0.0
    measured: dict[str, float] = field(default_factory=dict)
    earlier: dict[str, Any] | None = None


@dataclass
class Trainer:
    """A model with its two optimizers: Muon for the layers' matrices, AdamW for embeddings, norms and biases."""

    model: Qwen2ForCausalLM
    step_count: int = 0

    def __post_init__(self) -> None:
        named = list(self.model.named_parameters())
        is_matrix = {name: p.ndim == 2 and "embed" not in name for name, p in named}
        self.muon = Muon([p for name, p in named if is_matrix[name]])
        others = [p for name, p in named if not is_matrix[name]]
        self.adam = torch.optim.AdamW(others, lr=_OTHER_RATE, betas=(0.9, 0.95), weight_decay=0.0)

    def step(self, loss: Tensor, scale: float) -> None:
        """Take one step at `scale` of the full learning rates, warmed up over the first steps."""
        scale *= min(1.0, (self.step_count + 1) / _WARMUP_STEPS)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for group in self.adam.param_groups:
            group["lr"] = _OTHER_RATE * scale
        self.adam.step()
        self.muon.step(_MATRIX_RATE * scale)
        self.model.zero_grad()
        self.step_count += 1


def new_model(num_layers: int, vocab_size: int, special_ids: tuple[Any, Any]) -> Qwen2ForCausalLM:
    """Build the base's shape with random weights."""
    pad, end = special_ids
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=vocab_size,
            hidden_size=_HIDDEN,
            num_hidden_layers=num_layers,
            num_attention_heads=_HEADS,
            num_key_value_heads=_HEADS,
            intermediate_size=_INNER,
            tie_word_embeddings=True,
            max_position_embeddings=4096,
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
            bos_token_id=None,
            eos_token_id=end,
            pad_token_id=pad,
        )
    )


def grown(small: Qwen2ForCausalLM) -> Qwen2ForCausalLM:
    """Insert a layer that changes nothing yet after each layer of a model that can copy."""
    config = small.config
    large = new_model(2 * config.num_hidden_layers, config.vocab_size, (config.pad_token_id, config.eos_token_id))
    large.model.embed_tokens.load_state_dict(small.model.embed_tokens.state_dict())
    large.model.norm.load_state_dict(small.model.norm.state_dict())
    for index, layer in enumerate(small.model.layers):
        large.model.layers[2 * index].load_state_dict(layer.state_dict())
        added = large.model.layers[2 * index + 1]
        torch.nn.init.zeros_(added.self_attn.o_proj.weight)
        torch.nn.init.zeros_(added.mlp.down_proj.weight)
    return large


def teach_copying(trainer: Trainer, seed: int, record: Record) -> None:
    """Train on repeats of any length until nine of ten tokens are right over the last twenty steps or so."""
    generator = torch.Generator().manual_seed(seed)
    wire_copying(trainer.model, generator)
    running = 0.0
    while running < _COPY_ENOUGH:
        half = int(torch.randint(_COPY_LENGTHS[0], _COPY_LENGTHS[1] + 1, (1,), generator=generator))
        ids = copy_rows(half, generator, trainer.model.config.vocab_size)
        loss, accuracy = copy_loss(trainer.model, ids)
        trainer.step(loss, 1.0)
        running = 0.95 * running + 0.05 * accuracy
        record.num_copy_tokens += ids.numel()
        if trainer.step_count % 20 == 0:
            log.info("copy step %d loss %.3f accuracy %.3f", trainer.step_count, loss.item(), running)


def lesson_loss(model: Qwen2ForCausalLM, batch: Batch, generator: torch.Generator) -> tuple[Tensor, float, float]:
    """Score answers fully and a sample of the passage at half weight; give also answer loss and answer accuracy."""
    ids, roles = torch.from_numpy(batch.ids), torch.from_numpy(batch.roles)
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
    targets, roles = ids[:, 1:], roles[:, 1:]
    sampled = (roles == PASSAGE) & (torch.rand(roles.shape, generator=generator) < _PASSAGE_SHARE)
    chosen = (roles == ANSWER) | sampled
    is_answer, wanted = (roles == ANSWER)[chosen], targets[chosen]
    logits = model.lm_head(hidden[chosen])
    losses = functional.cross_entropy(logits, wanted, reduction="none")
    weights = torch.where(is_answer, 1.0, _PASSAGE_WEIGHT)
    right = (logits.detach().argmax(-1) == wanted)[is_answer].float().mean().item()
    return (losses * weights).sum() / weights.sum(), losses.detach()[is_answer].mean().item(), right


@torch.no_grad()
def measure(model: Qwen2ForCausalLM, batch_list: list[Batch]) -> dict[str, float]:
    """Measure copying, and answers on lessons that training never saw."""
    generator = torch.Generator().manual_seed(1)
    scores = [lesson_loss(model, batch, generator)[1:] for batch in batch_list]
    return {
        "copy_accuracy": round(copy_accuracy(model), 4),
        "answer_loss": round(sum(loss for loss, _ in scores) / len(scores), 4),
        "answer_token_accuracy": round(sum(right for _, right in scores) / len(scores), 4),
    }


def rate_at(progress: float) -> float:
    """Hold the learning rate for 30 % of the time, then let it fall as a cosine to 4 %."""
    if progress < 0.3:
        return 1.0
    return 0.04 + 0.96 * 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - 0.3) / 0.7)))


def teach_lessons(
    trainer: Trainer, stream: Iterator[Batch], minutes: float, record: Record, save: Callable[[], None]
) -> None:
    """Train on lessons for a planned time; the clock decides how many are read, never which."""
    generator = torch.Generator().manual_seed(record.seed)
    started = saved = logged = time.monotonic()
    trainer.step_count = 0
    while (elapsed := time.monotonic() - started) < 60 * minutes:
        batch = next(stream)
        loss, answer_loss, right = lesson_loss(trainer.model, batch, generator)
        spans = span_rows(_SPAN_ROWS, _SPAN_LENGTH, generator, trainer.model.config.vocab_size)
        loss_of_spans, copied = span_loss(trainer.model, spans)
        trainer.step(loss + _SPAN_WEIGHT * loss_of_spans, rate_at(elapsed / (60 * minutes)))
        record.num_span_tokens += spans.ids.numel()
        record.num_documents, record.num_lessons, record.num_dropped = (
            batch.num_documents,
            batch.num_lessons,
            batch.num_dropped,
        )
        record.num_lesson_tokens += int((batch.roles > 0).sum())
        if trainer.step_count % _LOG_EVERY_STEPS == 0:
            now = time.monotonic()
            log.info(
                "step %d tokens %d answer loss %.3f accuracy %.3f spans %.3f, %.2f s a step",
                trainer.step_count, record.num_lesson_tokens, answer_loss, right, copied,
                (now - logged) / _LOG_EVERY_STEPS,
            )  # fmt: skip
            logged = now
        if time.monotonic() - saved > _SAVE_EVERY_S:
            save()
            saved = time.monotonic()


def save_folder(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path, record: Record) -> None:
    """Write a loadable model folder in half precision, with the record beside the weights."""
    half = Qwen2ForCausalLM(model.config)
    half.load_state_dict(model.state_dict())
    half.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "pretraining.json").write_text(
        json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8", newline="\n"
    )


def pretrain(
    out: Path, seed: int, minutes: float, base: Path | None = None, *, grow: bool = False, is_short: bool = False
) -> Record:
    """Run the whole curriculum, or only more lessons on `base`, with twice its layers when it is to grow.

    The newest folder under `out` is always loadable.
    """
    started = time.monotonic()
    torch.manual_seed(seed)
    record = Record(seed, is_short)
    if base is None:
        tokenizer = lesson_tokenizer(seed)
        trainer = Trainer(new_model(_COPY_LAYERS, len(tokenizer), (tokenizer.pad_token_id, tokenizer.eos_token_id)))
        teach_copying(trainer, seed, record)
        record.copy_accuracy = round(copy_accuracy(trainer.model), 4)
        log.info("copy accuracy %.4f after %d tokens", record.copy_accuracy, record.num_copy_tokens)
        trainer = Trainer(grown(trainer.model))
    else:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
        record.earlier = json.loads((base / "pretraining.json").read_text(encoding="utf-8"))
        loaded = Qwen2ForCausalLM.from_pretrained(base, dtype=torch.float32)
        trainer = Trainer(grown(loaded) if grow else loaded)
    held_back = list(islice(batches(tokenizer, seed + 1, _TOKENS_PER_BATCH, _MAX_TOKENS, is_short=is_short), 12))
    log.info("before: %s", measure(trainer.model, held_back))
    trainer.model.model.compile(dynamic=True)  # a quarter faster, where there is a C++ compiler

    def save() -> None:
        record.seconds = round(time.monotonic() - started, 1)
        record.measured = measure(trainer.model, held_back)
        log.info("step %d %s", trainer.step_count, record.measured)
        save_folder(trainer.model, tokenizer, out / f"step-{trainer.step_count:05d}", record)

    stream = batches_from_process(tokenizer, seed, _TOKENS_PER_BATCH, _MAX_TOKENS, is_short=is_short)
    teach_lessons(trainer, stream, minutes - (time.monotonic() - started) / 60, record, save)
    save()
    return record


def lesson_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """Train the tokenizer on the run's first lessons, special tokens left out."""
    made = islice(lessons(documents(seed, 2 * _TOKENIZER_LESSONS, pool="pretrain"), seed), _TOKENIZER_LESSONS)
    return train_tokenizer((_without_specials(lesson.text) for lesson in made), VOCAB_SIZE)


def _without_specials(text: str) -> str:
    for special in SPECIALS:
        text = text.replace(special, "\n")
    return text


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--continue-from", type=Path, metavar="FOLDER", help="teach a saved model more lessons")
    parser.add_argument("--grow", action="store_true", help="double the layers of the model that is taught on")
    parser.add_argument("--short", action="store_true", help="read short documents, as the demo corpus has them")
    parser.add_argument("--threads", type=int, default=2, help="processor cores to train on")
    parser.add_argument("--minutes", type=float, default=70.0, help="planned wall time of the whole run")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(args.threads)
    record = pretrain(args.out, args.seed, args.minutes, args.continue_from, grow=args.grow, is_short=args.short)
    print(json.dumps(asdict(record)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
