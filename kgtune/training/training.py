"""QLoRA by TRL's SFTTrainer: set-up, progress, checkpoints, and the check that training did something.

Knows nothing about raw data or evaluation: it gets samples that supervision has proved.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import set_seed
from transformers.trainer_callback import PrinterCallback
from trl import SFTConfig

from kgtune import config, model_folder, runs
from kgtune import model as models
from kgtune.checks import catalogue
from kgtune.errors import CheckFailed, ModelError
from kgtune.model import Precision
from kgtune.ontology import Ontology
from kgtune.prompt import ChatTokenizer, Contract
from kgtune.settings import Config
from kgtune.training import activation_checkpointing, card, checkpoints, processes, proofs, stopping, watching
from kgtune.training.batching import Batching, Layout, batching_for
from kgtune.training.guard import Guard
from kgtune.training.pace import Progress
from kgtune.training.proofs import IGNORED
from kgtune.training.rows_trainer import RowsTrainer
from kgtune.training.selection import BestByTask
from kgtune.training.supervision import Sample

log = logging.getLogger(__name__)

CPU_PASS_TOKENS = 1024  # beyond this a pass leaves the caches of a CPU's core, and nothing is left to win
LEAST_SHARED = 8  # tokens of common beginning that pay for attending them once more per row


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run did. `losses` has one entry per logged step: mean loss over the steps since the last one."""

    losses: tuple[tuple[int, float], ...]
    num_steps: int
    seconds: float
    resumed_from: str | None
    probes: tuple[dict[str, Any], ...] = ()
    stopped_at: int | None = None
    selection: dict[str, Any] | None = None


def make_trainer(
    model: Any,
    tokenizer: ChatTokenizer,
    samples: Sequence[Sample],
    system: str,
    cfg: Config,
    output_dir: Path,
) -> RowsTrainer:
    """Set up the trainer and prove that it will train on exactly the samples' tokens."""
    set_seed(cfg.training.seed)
    precision = models.precision_for(cfg.training.precision)
    if torch.cuda.device_count() > 1 and not torch.distributed.is_torchelastic_launched():
        raise catalogue.failed("C16-ONE-PROCESS", "machine", num_cards=torch.cuda.device_count())
    if problems := proofs.before_adapter(model, cfg):
        raise CheckFailed(problems)
    world = processes.number()
    batching = batching_of(samples, cfg, world=world, on_card=torch.cuda.is_available())
    choice = activation_checkpointing.choose(cfg, config.card_memory_gib() or 0.0, batching, world=world)
    trainer = RowsTrainer(
        model=model,
        args=sft_config(cfg, output_dir, precision, choice.every),
        train_dataset=Dataset.from_list([sample.chat_row(system) for sample in samples]),
        processing_class=tokenizer,
        peft_config=lora_config(cfg),
        callbacks=[Guard()],
    )
    trainer.remove_callback(PrinterCallback)
    processes.check_sharded(trainer)
    check_tokens(trainer, samples)
    trainer.train_on(batching, [(sample.prompt_ids, sample.answer_ids) for sample in samples])
    trainer.add_callback(Progress(batching))
    trainer.why_checkpointed = choice.reason
    log.info("%s\n%s", described(batching), choice)
    proofs.prove(trainer, samples, tokenizer)
    if precision != "bf16":
        # TRL casts the adapter of a 4-bit model to bf16: unscalable under fp16, 50 times slower on a CPU.
        for parameter in trainer.model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
    return trainer


def lora_config(cfg: Config) -> LoraConfig:
    """The adapter's shape."""
    return LoraConfig(
        r=cfg.lora.lora_r,
        lora_alpha=cfg.lora.lora_alpha,
        lora_dropout=cfg.lora.lora_dropout,
        target_modules=list(cfg.lora.target_modules),
        task_type="CAUSAL_LM",
    )


def sft_config(cfg: Config, output_dir: Path, precision: Precision, checkpoint_every: int) -> SFTConfig:
    """TRL's arguments. Everything that TRL would otherwise choose silently is said here."""
    t = cfg.training
    return SFTConfig(
        output_dir=str(output_dir),
        # one item of the trainer's data is one update, see rows_trainer
        per_device_train_batch_size=1,
        gradient_accumulation_steps=1,
        max_steps=t.max_steps,
        learning_rate=t.learning_rate,
        lr_scheduler_type=t.lr_scheduler_type,
        warmup_steps=t.warmup_steps,
        max_grad_norm=t.max_grad_norm,
        seed=t.seed,
        data_seed=t.seed,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=not torch.cuda.is_available(),
        optim="adamw_torch_fused",
        **activation_checkpointing.arguments(checkpoint_every),
        max_length=cfg.model.max_seq_length,
        completion_only_loss=True,
        packing=False,
        logging_steps=t.logging_steps,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_steps=t.save_steps,
        save_total_limit=t.save_total_limit,
        disable_tqdm=True,
        report_to=list(t.report_to) or "none",
        ddp_find_unused_parameters=False,
    )


def check_tokens(trainer: RowsTrainer, samples: Sequence[Sample]) -> None:
    """Stop when the trainer's own rendering differs from the samples that were checked and shown."""
    rows = trainer.train_dataset
    if len(rows) != len(samples):
        raise ModelError(f"the trainer kept {len(rows)} of {len(samples)} rows; report this with the version of trl.")
    for row, sample in zip(rows, samples, strict=True):
        supervised = tuple(label for label in row["labels"] if label != IGNORED)
        if tuple(row["input_ids"]) != sample.prompt_ids + sample.answer_ids or supervised != sample.answer_ids:
            raise catalogue.failed("C4-OTHER-TOKENS", f"row {sample.example.id}")


def batching_of(samples: Sequence[Sample], cfg: Config, *, world: int, on_card: bool) -> Batching:
    """Lay out the rows as configured; `auto` takes what is fastest, see benchmarks/train.py."""
    t = cfg.training
    max_tokens = t.per_device_train_batch_size * cfg.model.max_seq_length
    layout: Layout = "shared" if t.batching == "auto" else t.batching
    batching = batching_for(
        [(sample.prompt_ids, sample.answer_ids) for sample in samples],
        layout,
        rows_per_pass=t.per_device_train_batch_size,
        rows_per_update=t.per_device_train_batch_size * t.gradient_accumulation_steps * world,
        max_tokens=max_tokens if on_card else min(max_tokens, CPU_PASS_TOKENS),
        seed=t.seed,
    )
    if t.batching == "auto" and batching.shared < LEAST_SHARED:
        return replace(batching, layout="packed", shared=0)
    return batching


def described(batching: Batching) -> str:
    """What an update is made of, in a line a person reads."""
    sample = [batching.update(step) for step in range(8)]
    fed = sum(map(batching.tokens_fed, sample))
    given = sum(batching.lengths[row] for update in sample for rows in update for row in rows)
    how = {
        "padded": "padded to the longest row of a pass",
        "packed": "end to end, each row attending to itself alone",
        "shared": f"end to end behind one copy of the {batching.shared} tokens that all rows begin with",
    }[batching.layout]
    return (
        f"batching: {batching.layout}, {batching.rows_per_update} rows an update in about "
        f"{sum(map(len, sample)) / len(sample):.1f} passes, {how}; {fed / given:.0%} of the rows' tokens are computed"
    )


def train(trainer: RowsTrainer, resume_from: Path | None) -> TrainResult:
    """Train, from the beginning or from a checkpoint, and check the adapter afterwards."""
    started = time.monotonic()
    stop = stopping.StopWhenAsked()
    trainer.add_callback(stop)
    with stopping.at_sigterm(stop):
        trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    trainer.remove_callback(stop)
    if stop.stopped_at is None:  # the first update of a warm-up moves nothing yet
        check_adapter(trainer.model)
    history = trainer.state.log_history
    return TrainResult(
        losses_in(history),
        trainer.state.global_step,
        time.monotonic() - started,
        resume_from.name if resume_from else None,
        tuple(watching.history(history)),
        stop.stopped_at,
        next((one.result() for one in trainer.callback_handler.callbacks if isinstance(one, BestByTask)), None),
    )


def losses_in(history: Sequence[dict[str, Any]]) -> tuple[tuple[int, float], ...]:
    """Return the losses that a trainer has logged, by step."""
    return tuple((int(entry["step"]), float(entry["loss"])) for entry in history if "loss" in entry)


def check_adapter(model: Any) -> None:
    """Stop when a trained adapter holds NaN or infinity, or when nothing in it has moved."""
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    infinite = [name for name, p in trained.items() if not torch.isfinite(p).all()]
    # LoRA's B starts at zero: one that still is was never trained.
    still = [name for name, p in trained.items() if ".lora_B." in name and not p.any()]
    if infinite or still or not trained:
        facts = {"num_tensors": len(trained), "num_infinite": len(infinite), "num_still": len(still)}
        raise catalogue.failed("C9-NOT-TRAINED", "adapter", **facts)


def save_final(
    trainer: RowsTrainer,
    tokenizer: Any,
    folder: Path,
    contract: Contract,
    ontology: Ontology,
    told: str,
) -> None:
    """Write adapter, tokenizer, contract and the card `told` under a temporary name, then put all in place at once."""
    temporary = folder.with_name(folder.name + ".partial")
    shutil.rmtree(temporary, ignore_errors=True)
    trainer.model.save_pretrained(str(temporary), safe_serialization=True)
    tokenizer.save_pretrained(str(temporary))
    model_folder.save_contract(temporary, contract, ontology)
    runs.write_text_atomic(temporary / card.FILE, told)  # in place of peft's, whose every line asks to be filled in
    checkpoints.put_in_place(temporary, folder)
