"""A short training run that can be killed: what a forked child does, and how its parent kills it."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import threading
from pathlib import Path
from typing import Any

from kgtune import config
from kgtune.examples import Example
from kgtune.graph import Entity, Graph

NUM_STEPS = 9
SYSTEM = "Knowledge graph as JSON."
SETTINGS = {
    "training.max_steps": NUM_STEPS,
    "training.save_steps": 3,
    "training.logging_steps": 2,  # a checkpoint falls between two lines of the loss
    "training.per_device_train_batch_size": 2,
    "training.gradient_accumulation_steps": 2,
    "lora.lora_dropout": 0.1,
}
# forked from a server that has torch loaded already: a child starts in a tenth of a second
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["kgtune.training.training"])


def examples(number: int = 10) -> list[Example]:
    rows = []
    for n in range(number):
        text = f"Crimson Otter used VelkaRAT{n}." + " It came by mail." * (n % 4)
        graph = Graph((Entity("Tool", "e1", f"VelkaRAT{n}"),), ())
        rows.append(Example(f"r{n}", f"d{n}", f"g{n}", "train", "en", "", text, graph))
    return rows


def train(base: Path, folder: Path, overrides: dict[str, Any], steps: Any = None, *, holds: bool = False) -> None:
    """Train or go on training in `folder`; write losses.json and adapter.safetensors at the end."""
    import torch
    from safetensors.torch import save_file
    from transformers import TrainerCallback

    from kgtune import model
    from kgtune.training import checkpoints, supervision, training

    class Tell(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if steps is not None:
                steps.send(state.global_step)

    torch.set_num_threads(1)
    values = {"model.model_id": base, **SETTINGS, **overrides}
    cfg = config.load(None, "demo", [f"{key}={value}" for key, value in values.items()]).config
    tokenizer = model.load_tokenizer(base)
    samples = supervision.supervise(examples(), tokenizer, SYSTEM, max_seq_length=1000, overlength="refuse").samples
    weights = model.load_weights(base, load_in_4bit=False, precision="fp32")
    trainer = training.make_trainer(weights, tokenizer, samples, SYSTEM, cfg, folder)
    trainer.add_callback(Tell())
    found = checkpoints.whole(folder)
    result = training.train(trainer, found[-1] if found else None)
    if holds:  # a child that outran its killer is killed here, before it has kept anything
        threading.Event().wait()
    adapter = {name: p.detach().clone() for name, p in trainer.model.named_parameters() if p.requires_grad}
    save_file(adapter, folder / "adapter.safetensors")
    (folder / "losses.json").write_text(json.dumps(result.losses), encoding="utf-8")
    (folder / "resumed_from.txt").write_text(str(result.resumed_from), encoding="utf-8")


def finish(base: Path, folder: Path, overrides: dict[str, Any]) -> None:
    """Train to the end in a child."""
    child = CONTEXT.Process(target=train, args=(base, folder, overrides))
    child.start()
    child.join()
    assert child.exitcode == 0


def stop(base: Path, folder: Path, chance: random.Random, sign: int = signal.SIGKILL) -> tuple[int, int | None]:
    """Train in a child and send it a signal somewhere in a step of `chance`'s; return the step and the exit code."""
    step = chance.randrange(1, NUM_STEPS)
    receiver, sender = CONTEXT.Pipe(duplex=False)
    child = CONTEXT.Process(target=train, args=(base, folder, {}, sender), kwargs={"holds": sign == signal.SIGKILL})
    child.start()
    while receiver.recv() < step:
        pass
    child.join(chance.uniform(0.0, 0.1))  # a step with its checkpoint takes about as long
    if child.exitcode is None:
        assert child.pid is not None
        os.kill(child.pid, sign)
    child.join()
    return step, child.exitcode
