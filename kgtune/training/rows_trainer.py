"""TRL's trainer with an update of our own making: rows laid out by a `Batching`, and the loss of their answers alone.

Knows nothing about where rows come from or what becomes of the model. One item of its data loader is one update, so
the number of passes may differ from update to update and the number of rows never does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import Trainer
from trl import SFTTrainer

from kgtune.training import answer_loss, checkpoints, fused_adapter, passes
from kgtune.training.batching import Batching, Row

LOSS_SO_FAR = "loss_since_logged_{rank}.json"


class Updates(Dataset[dict[str, Any]]):
    """One process's part of every update: its passes, and how many tokens the whole update supervises."""

    def __init__(self, batching: Batching, rows: Sequence[Row], num_updates: int, rank: int, world: int) -> None:
        self.batching, self.rows, self.num_updates, self.rank, self.world = batching, rows, num_updates, rank, world

    def __len__(self) -> int:
        return self.num_updates

    def __getitem__(self, step: int) -> dict[str, Any]:
        if step >= self.num_updates:  # or a plain loop over the updates would never end
            raise IndexError(step)
        laid_out = self.batching.update(step, rank=self.rank, world=self.world)
        collated = [
            passes.collate([self.rows[row] for row in one], self.batching.layout, self.batching.shared)
            for one in laid_out
        ]
        supervised = sum(len(self.rows[row][1]) for row in self.batching.drawn(step))
        return {"passes": collated, "num_supervised": supervised}


class RowsTrainer(SFTTrainer):  # type: ignore[misc]  # trl ships no types
    """Trains on `updates`, which are set after construction; checkpoints are whole or not there."""

    updates: Updates
    why_checkpointed: str = ""  # and not more or fewer layers
    spared_step: int | None = None  # its checkpoint is never deleted
    _adapted: Sequence[Any] = ()
    _staging: Path | None = None

    def train_on(self, batching: Batching, rows: Sequence[Row]) -> None:
        """Take the rows in place of the trainer's own batches."""
        args = self.args
        self.updates = Updates(batching, rows, args.max_steps, args.process_index, args.world_size)
        answer_loss.add_answer_loss(self.model)
        self.use_fused_adapters(on=True)

    def use_fused_adapters(self, *, on: bool) -> None:
        """Leave the adapters to PEFT where a benchmark wants to know what that costs."""
        self._adapted = fused_adapter.adapted(self.model) if on else []

    def get_train_dataloader(self) -> DataLoader[dict[str, Any]]:
        return DataLoader(self.updates, batch_size=1, collate_fn=lambda items: items[0])

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Forward and backward of all passes; gradients meet other processes' at the last one only."""
        model.train()
        total = torch.zeros((), device=self.args.device)
        last = len(inputs["passes"]) - 1
        for number, one in enumerate(inputs["passes"]):
            with ExitStack() as stack:
                stack.enter_context(self.fast())
                stack.enter_context(nullcontext() if number == last else self.accelerator.no_sync(model))
                loss = self.pass_loss(model, one) / inputs["num_supervised"] * self.args.world_size
                self.accelerator.backward(loss)
            total += loss.detach()
        return total

    def pass_loss(self, model: Any, one: dict[str, Any]) -> torch.Tensor:
        """The summed loss of one pass."""
        with self.compute_loss_context_manager():
            # a mask given as a mapping is taken as it is: `passes.attend` needs none
            mask = dict.fromkeys(("full_attention", "sliding_attention"))
            loss: torch.Tensor = model(**self._prepare_inputs(one), attention_mask=mask)
        return loss

    def fast(self) -> ExitStack:
        """Attention by rows and fused adapters, until the context ends."""
        stack = ExitStack()
        stack.enter_context(passes.rows_kept_apart(self.accelerator.unwrap_model(self.model).config))
        stack.enter_context(fused_adapter.fused(self._adapted))
        return stack

    def floating_point_ops(self, inputs: Any) -> int:
        """Say nothing: an update holds passes, and benchmarks count by the model's shape."""
        return 0

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._staging or self.args.output_dir)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Write a checkpoint under another name, seal it, and put it in place by one rename.

        TRL's own method would also write a card that says nothing of this data; transformers' is enough.
        """
        output_dir, name = Path(self.args.output_dir), f"checkpoint-{self.state.global_step}"
        with checkpoints.written_whole(output_dir, name, self.accelerator) as staging:
            self._staging = staging
            try:
                Trainer._save_checkpoint(self, model, trial)  # noqa: SLF001  this is its override
                so_far = {"loss": self._tr_loss.item(), "last_logged": self._globalstep_last_logged}
                file = staging / name / LOSS_SO_FAR.format(rank=self.args.process_index)
                file.write_text(json.dumps(so_far), encoding="utf-8")
            finally:
                self._staging = None
        if self.args.should_save:
            spared = None if self.spared_step is None else f"checkpoint-{self.spared_step}"
            checkpoints.keep_last(output_dir, self.args.save_total_limit, name, spared)

    def _run_epoch(self, **given: Any) -> None:
        """Take up the loss since the last logged step: the next line is the mean over all of them."""
        if self.control.should_training_stop:  # the readings of a resumed run may say that it was over
            return
        if checkpoint := given["resume_from_checkpoint"]:
            file = Path(checkpoint) / LOSS_SO_FAR.format(rank=self.args.process_index)
            so_far = json.loads(file.read_text(encoding="utf-8"))
            self._tr_loss += so_far["loss"]
            self._globalstep_last_logged = so_far["last_logged"]
        super()._run_epoch(**given)
