"""The processes of one run: how many there really are, which one this is, and what they tell each other.

Knows nothing about training. A launcher that was asked for several and started one is found here, and stops the run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import torch
from accelerate import PartialState

from kgtune.errors import UserError

Item = TypeVar("Item")
HOW = "torchrun --standalone --nproc_per_node N fine_tune.py"


def rank() -> int:
    """Return the number of this process; 0 writes files and prints."""
    return int(os.environ.get("RANK", "0"))


def join(asked: int | Literal["auto"]) -> int:
    """Join the processes that a launcher started, and return how many there are.

    Raises:
        UserError: there are not as many as were asked for, by the launcher or in training.num_processes.
    """
    promised = int(os.environ.get("WORLD_SIZE", "1"))
    if promised > 1:
        # the group outlives this object, and the trainer finds it made
        PartialState(cpu=not torch.cuda.is_available())
    real = number()
    if real != promised:
        raise UserError(f"C16-PROCESSES: {promised} started, {real} met. Start with {HOW}.")
    if asked not in {"auto", real}:
        raise UserError(
            f"C16-PROCESSES: training.num_processes={asked}, and {real} run. Start with "
            f"{HOW.replace(' N ', f' {asked} ')}, or set training.num_processes=auto."
        )
    if asked == "auto" and real == 1 and (by := _accelerate_says()):
        # accelerate launch --cpu --num_processes 2 starts one process and says nothing
        raise UserError(
            f"C16-PROCESSES: accelerate launched this ({by} is set), and one process runs. It starts one, whatever it "
            f"was asked for, where it finds no GPUs. For several use {HOW}; for one set training.num_processes=1."
        )
    return real


def _accelerate_says() -> str | None:
    return next((name for name in sorted(os.environ) if name.startswith("ACCELERATE_MIXED_PRECISION")), None)


def check_sharded(trainer: Any) -> None:
    """Stop where FSDP was asked for and the trainer fell back to copies, as it does on a CPU."""
    if os.environ.get("ACCELERATE_USE_FSDP", "false").lower() in {"1", "true"} and not trainer.is_fsdp_enabled:
        raise UserError(
            "C14-NOT-SHARDED: FSDP was asked for, and the trainer would hold a whole copy in every process "
            f"(distributed type {trainer.args.distributed_state.distributed_type}). FSDP needs several GPUs; a base "
            f"that fits each card needs no FSDP: {HOW}."
        )


def number() -> int:
    """How many processes run this."""
    is_joined = torch.distributed.is_available() and torch.distributed.is_initialized()
    return int(torch.distributed.get_world_size()) if is_joined else 1


def share(items: Sequence[Item]) -> Sequence[Item]:
    """Return the part of this process: every n-th item, so that all get short and long ones."""
    return items[rank() :: number()]


def parts(mine: Item) -> list[Item]:
    """What every process has, in the order of their numbers; all of them get the same list."""
    if number() == 1:
        return [mine]
    found: list[Any] = [None] * number()
    torch.distributed.all_gather_object(found, mine)
    return found


def wait() -> None:
    """Go on when all processes are here."""
    if number() > 1:
        torch.distributed.barrier()


def leave() -> None:
    """Take leave of the other processes, so that none waits for this one."""
    if number() > 1:
        torch.distributed.destroy_process_group()
