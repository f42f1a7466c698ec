"""How fast an adapter is trained, beside TRL's own trainer, on the same rows, model and machine.

Each way trains the same rows in the same number of updates, its optimiser and checkpoints set aside, all ways in turn,
the first one another each time. Ours comes as a ladder, one lever more on each rung; TRL's comes plain (one row a
pass, padded, no packing) and with the settings of its own that could help.

    python benchmarks/train.py                        the embedded model on the processor's cores, five runs
    python benchmarks/train.py --full                 their memory too
    python benchmarks/train.py --evaluate             train both to the end as well, and compare their answers
    python benchmarks/train.py --gpu                  Qwen2.5-7B's shape, random weights, 4 bits and 16 bits, on a card
    python benchmarks/train.py --gpu --shape small    the same code on a shape that any machine holds
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import harness
from harness import result

from kgtune import config
from kgtune.settings import Config

RUNS, UPDATES, ROWS_PER_UPDATE = 5, 1, 32  # four minutes; the first update takes as long as any
PLAIN, OURS = "TRL, plain", "ours"
SHAPES = {
    "7b": {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
           "num_key_value_heads": 4, "vocab_size": 152064},
    "small": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
              "num_key_value_heads": 2, "vocab_size": 3072},
}  # fmt: skip
# Dense 16-bit floating-point operations a second, by their makers' data sheets; others are measured by a product.
PEAK_TFLOPS = {"H100": 989.0, "H200": 989.0, "A100": 312.0, "A10": 125.0, "L4": 121.0, "T4": 65.0}


@dataclass(frozen=True)
class Way:
    """One way to train the rows: ours with some levers, or TRL with some settings."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    is_ours: bool = False
    is_fused: bool = True


@dataclass
class Ready:
    """A way, set up. `tokens` are the rows' own, `fed` those that the model computes, padding included."""

    way: Way
    trainer: Any
    tokens: int
    supervised: int
    fed: int
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    peak_gib: float = 0.0


def ways(max_tokens: int) -> list[Way]:
    """TRL's settings first, then our ladder, its top last."""

    def rows(number: int) -> dict[str, Any]:
        return {
            "per_device_train_batch_size": number,
            "gradient_accumulation_steps": ROWS_PER_UPDATE // number,
            "train_sampling_strategy": "group_by_length" if number > 1 else "random",
        }

    def mine(name: str, batching: str, *, is_fused: bool = False) -> Way:
        return Way(name, {"training.batching": batching}, is_ours=True, is_fused=is_fused)

    packed = {"packing": True, "packing_strategy": "bfd", "max_length": max_tokens, "per_device_train_batch_size": 1}
    return [
        Way(PLAIN, rows(1)),
        *(Way(f"TRL, {number} rows a pass, by length", rows(number)) for number in (2, 4)),
        Way(f"TRL, packed to {max_tokens}", packed),
        mine("loss of the answers alone", "padded"),
        mine("and packed, best fit", "packed"),
        mine("and one copy of what all share", "shared"),
        mine(OURS, "auto", is_fused=True),
    ]


def main() -> int:
    args = arguments()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        cfg = configured(Path(folder), args)
        rows, num_tokens = chosen_rows(cfg)
        print(f"{len(rows)} rows of {num_tokens} tokens, {UPDATES} updates, {args.runs} runs", flush=True)
        results, tables = [], {}
        for bits in (4, 16) if args.gpu else (16,):
            one = config.load(None, "demo", [*overrides_of(cfg), f"model.load_in_4bit={bits == 4}"]).config
            ready = [
                set_up(way, one, rows, Path(folder)) for way in ways(args.max_tokens) if args.only in {None, way.name}
            ]
            compare(ready, args.runs)
            label = f"{bits} bits, " if args.gpu else ""
            tables[label or "cpu"] = told(ready, label)
            results += compared(ready, label) if len(ready) > 1 else []
            del ready
        if args.full:
            results += memory(args)
        answers = evaluated(cfg, args.steps, Path(folder)) if args.evaluate else None
    record = harness.finish(
        "train", results, args.runs, ways=tables, evaluation=answers, device=device(), rows=len(rows),
        row_tokens=num_tokens, rows_per_update=ROWS_PER_UPDATE, shape=args.shape if args.gpu else "embedded",
    )  # fmt: skip
    if args.output:
        Path(args.output).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--gpu", action="store_true", help="random weights of --shape, in 4 bits and in 16")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="7b")
    parser.add_argument("--full", action="store_true", help="also the memory of each way, in a process of its own")
    parser.add_argument("--only", metavar="WAY", help="one way alone, as for its memory")
    parser.add_argument("--max-tokens", type=int, default=1024, help="of a pack")
    parser.add_argument("--evaluate", action="store_true", help="train both to the end and compare their answers")
    parser.add_argument("--steps", type=int, default=100, help="updates of --evaluate")
    parser.add_argument("-o", "--output", help="also write the result here")
    return parser.parse_args()


def configured(folder: Path, args: argparse.Namespace) -> Config:
    """Convert the demo's corpus, and make the base model where none is shipped."""
    data = folder / "training_data.json"
    harness.measure([sys.executable, "convert_data.py", "--profile", "demo", "-o", str(data)])
    base = str(harness.ROOT / "kgtune/demo/base")
    if args.gpu:
        base = str(random_base(folder / "base", args.shape))
    settings = {
        "model.model_id": base, "data.training_data": data, "lora.lora_dropout": 0.0, "training.precision": "auto",
        "training.per_device_train_batch_size": 1, "training.gradient_accumulation_steps": ROWS_PER_UPDATE,
        "training.max_steps": UPDATES, "model.max_seq_length": args.max_tokens,
        "training.activation_checkpointing": "all" if args.gpu else "none",  # for all ways, so that none gains by it
    }  # fmt: skip
    return config.load(None, "demo", [f"{key}={value}" for key, value in settings.items()]).config


def overrides_of(cfg: Config) -> list[str]:
    """The settings that `configured` made, as overrides."""
    model, training = cfg.model, cfg.training
    return [
        f"model.model_id={model.model_id}", f"model.max_seq_length={model.max_seq_length}", "lora.lora_dropout=0.0",
        f"data.training_data={cfg.data.training_data}", "training.precision=auto",
        f"training.per_device_train_batch_size={training.per_device_train_batch_size}",
        f"training.gradient_accumulation_steps={training.gradient_accumulation_steps}",
        f"training.max_steps={training.max_steps}",
        f"training.activation_checkpointing={training.activation_checkpointing}",
    ]  # fmt: skip


def random_base(folder: Path, shape: str) -> Path:
    """Write a model of a shape with random weights and the demo's tokenizer; no download."""
    import torch
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda") if torch.cuda.is_available() else nullcontext():
            model = Qwen2ForCausalLM(Qwen2Config(**SHAPES[shape], max_position_embeddings=32_768, eos_token_id=2))
    finally:
        torch.set_default_dtype(torch.float32)
    model.save_pretrained(str(folder))
    AutoTokenizer.from_pretrained(str(harness.ROOT / "kgtune/demo/base")).save_pretrained(str(folder))
    return folder


def chosen_rows(cfg: Config) -> tuple[list[Any], int]:
    """As many train rows as the updates need, spread over the data."""
    samples = prepared_of(cfg).supervision.samples
    number = UPDATES * ROWS_PER_UPDATE
    rows = list(samples[:: len(samples) // number][:number])
    return rows, sum(sample.num_tokens for sample in rows)


def prepared_of(cfg: Config) -> Any:
    from kgtune.training import preparing

    return preparing.prepare(cfg)


def set_up(way: Way, cfg: Config, rows: Sequence[Any], folder: Path) -> Ready:
    """Make the trainer of one way on a fresh copy of the model."""
    trainer = ours(way, cfg, rows, folder) if way.is_ours else trl_own(way, cfg, rows, folder)
    trainer.args.save_strategy = "no"
    tokens, supervised = sum(row.num_tokens for row in rows), sum(len(row.answer_ids) for row in rows)
    return Ready(way, trainer, tokens, supervised, fed_by(way, trainer))


def loaded(cfg: Config) -> tuple[Any, Any, Any]:
    """The model, its tokenizer and the number format."""
    from kgtune import model as models

    precision = models.precision_for(cfg.training.precision)
    base = Path(cfg.model.model_id)
    weights = models.load_weights(base, load_in_4bit=cfg.model.load_in_4bit, precision=precision)
    return weights, models.load_tokenizer(base), precision


def ours(way: Way, cfg: Config, rows: Sequence[Any], folder: Path) -> Any:
    from kgtune.training import training

    one = cfg.model_copy(update={"training": cfg.training.model_copy(update=bare(way.settings))})
    weights, tokenizer, _ = loaded(one)
    trainer = training.make_trainer(weights, tokenizer, rows, system_of(rows), one, folder / "out")
    if not way.is_fused:
        trainer.use_fused_adapters(on=False)
    return trainer


def bare(settings: dict[str, Any]) -> dict[str, Any]:
    return {key.removeprefix("training."): value for key, value in settings.items()}


def trl_own(way: Way, cfg: Config, rows: Sequence[Any], folder: Path) -> Any:
    """What a short script with TRL's trainer does, at the same number format and checkpointing as ours."""
    import torch
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from kgtune.training import training

    weights, tokenizer, precision = loaded(cfg)
    settings = {"max_length": cfg.model.max_seq_length, **way.settings}
    on_cpu = not torch.cuda.is_available()
    data = Dataset.from_list([row.chat_row(system_of(rows)) for row in rows])

    def made(accumulation: int) -> Any:
        args = SFTConfig(
            output_dir=str(folder / "trl"), max_steps=UPDATES, bf16=precision == "bf16", fp16=precision == "fp16",
            use_cpu=on_cpu, disable_tqdm=True, completion_only_loss=True,
            activation_checkpointing=cfg.training.activation_checkpointing == "all",
            learning_rate=cfg.training.learning_rate, report_to="none", save_strategy="no", seed=cfg.training.seed,
            **{**settings, "gradient_accumulation_steps": accumulation},
        )  # fmt: skip
        return SFTTrainer(
            model=weights, args=args, train_dataset=data, processing_class=tokenizer,
            peft_config=None if hasattr(weights, "peft_config") else training.lora_config(cfg),
        )  # fmt: skip

    if not settings.get("packing"):
        return made(settings["gradient_accumulation_steps"])
    packs = len(made(1).train_dataset)  # as many rows an update as the others have, not as many packs
    weights, _, _ = loaded(cfg)
    return made(-(-packs // UPDATES))


def system_of(rows: Sequence[Any]) -> str:
    """The system message that the rows were rendered with."""
    text: str = rows[0].prompt_text
    return text.partition("<|im_start|>system\n")[2].partition("<|im_end|>")[0]


def fed_by(way: Way, trainer: Any) -> int:
    """Tokens that the model computes in a run, padding included."""
    if way.is_ours:
        batching = trainer.updates.batching
        return sum(batching.tokens_fed(batching.update(step)) for step in range(UPDATES))
    return sum(int(batch["input_ids"].numel()) for batch in trainer.get_train_dataloader())


def compare(ready: list[Ready], runs: int) -> None:
    """Train each way in turn; a first round pays for what later ones find ready."""
    for number in range(-1, runs):
        start = max(number, 0) % len(ready)
        for one in (*ready[start:], *ready[:start]):
            wall, cpu, peak = timed(one.trainer)
            if number >= 0:
                one.walls.append(wall)
                one.cpus.append(cpu)
                one.peak_gib = max(one.peak_gib, peak)


def timed(trainer: Any) -> tuple[float, float, float]:
    """Seconds by the clock and of the processor from the first update to the last, and the card's peak in GiB."""
    import torch
    from transformers import TrainerCallback

    marks: list[tuple[float, float]] = []

    class Clock(TrainerCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            marks.append((time.perf_counter(), time.process_time()))

        def on_train_end(self, *_: Any, **__: Any) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            marks.append((time.perf_counter(), time.process_time()))

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    clock = Clock()
    trainer.add_callback(clock)
    trainer.train()
    trainer.remove_callback(clock)
    peak = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else 0.0
    return marks[1][0] - marks[0][0], marks[1][1] - marks[0][1], peak


def told(ready: list[Ready], label: str) -> list[dict[str, Any]]:
    """Print the table; return it for the record. MFU counts 4 operations per frozen weight and row token."""
    peak = peak_flops()
    weights = sum(
        p.numel() for n, p in ready[0].trainer.model.named_parameters() if "lora_" not in n and "embed" not in n
    )
    rows = []
    for one in ready:
        wall = statistics.median(one.walls)
        rows.append({
            "way": one.way.name, "tokens_per_s": round(one.tokens / wall, 1),
            "supervised_tokens_per_s": round(one.supervised / wall, 1),
            "tokens_per_cpu_s": round(one.tokens / statistics.median(one.cpus), 1),
            "computed_share": round(one.fed / one.tokens, 4),
            "mfu": round(4 * weights * one.tokens / wall / peak, 4), "peak_gib": round(one.peak_gib, 3),
        })  # fmt: skip
    header = ["way", "tokens/s", "supervised/s", "tokens/cpu s", "computed", "MFU", "card GiB"]
    print(label, flush=True)
    harness.print_table(header, [list(row.values()) for row in rows])
    return rows


def compared(ready: list[Ready], label: str) -> list[dict[str, Any]]:
    """Ours against each of TRL's, and each rung against the one below."""
    trl, rungs = [one for one in ready if not one.way.is_ours], [one for one in ready if one.way.is_ours]
    top = rungs[-1]
    lines = []
    for kind in ("walls", "cpus"):
        unit = "tokens/s" if kind == "walls" else "tokens per processor second"
        best = max(trl, key=lambda one: one.tokens / statistics.median(getattr(one, kind)))
        pairs = [(top, one, f"{one.way.name}{' (the best of TRL)' if one is best else ''}") for one in trl]
        pairs += [(one, below, f"lever: {one.way.name}") for below, one in zip([trl[0], *rungs], rungs, strict=False)]
        for one, other, name in pairs:
            rates = [[side.tokens / seconds for seconds in getattr(side, kind)] for side in (one, other)]
            lines.append(result(f"{label}{name}", unit, *rates, more_is_better=True))
    return lines


def memory(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Run each way in a process of its own, and compare what they hold at most, libraries and data included."""
    peaks = {}
    for way in ways(args.max_tokens):
        command = [sys.executable, "benchmarks/train.py", "--runs", "1", "--only", way.name]
        peaks[way.name] = harness.measure([*command, "--max-tokens", str(args.max_tokens)]).peak_mib
    harness.print_table(["way", "peak MiB of the process"], [[name, round(peak)] for name, peak in peaks.items()])
    others = [name for name in peaks if name.startswith("TRL")]
    return [result(name, "peak MiB", [peaks[OURS]], [peaks[name]], more_is_better=False) for name in others]


def peak_flops() -> float:
    """The device's dense rate: from its maker for a known card, else of a product of large matrices."""
    import torch

    if torch.cuda.is_available():
        known = [value for name, value in PEAK_TFLOPS.items() if name in torch.cuda.get_device_name().split()[-1]]
        if known:
            return known[0] * 1e12
    on = "cuda" if torch.cuda.is_available() else "cpu"
    size, kind = (4096, torch.bfloat16) if on == "cuda" else (1024, torch.float32)
    a, b = (torch.randn(size, size, device=on, dtype=kind) for _ in range(2))
    best = 0.0
    for _ in range(8):
        start = time.perf_counter()
        (a @ b).sum().item()
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best


def evaluated(cfg: Config, steps: int, folder: Path) -> dict[str, Any]:
    """Train ours and plain TRL for as many updates on all train rows, and measure both on the held-out documents."""
    from kgtune.evaluation import evaluation
    from kgtune.training import measuring, tuning

    training = cfg.training.model_copy(update={"max_steps": steps, "gradient_accumulation_steps": 16})
    one = cfg.model_copy(update={"training": training})
    prepared = prepared_of(one)
    columns: dict[Any, Any] = {}
    makers: dict[str, Callable[[], Any]] = {
        "TRL": lambda: trl_trained(one, prepared, folder),
        "ours": lambda: tuning.make_trainer(prepared, one, folder / "evaluated"),
    }
    for name, make in makers.items():
        trainer = make()
        trainer.args.save_strategy = "no"
        trainer.train()
        columns[name] = measuring.measure(trainer.model, prepared, one, "after")
        print(f"{name}: trained for {steps} updates and measured", flush=True)
    found = evaluation.results(columns, prepared.ontology, {})
    pair = found["comparisons"][0]["metrics"]
    return {
        "updates": steps, "rows_per_update": 16, "num_documents": len(prepared.held_out(one)),
        **{name: {key: found["columns"][name]["metrics"][key] for key in ("f1", "entity_f1", "relationship_f1")}
           for name in columns},
        "difference": {key: pair[key] for key in ("f1", "entity_f1", "relationship_f1") if key in pair},
    }  # fmt: skip


def trl_trained(cfg: Config, prepared: Any, folder: Path) -> Any:
    """Plain TRL on all train rows, with our schedule."""
    way = Way(PLAIN, {
        "per_device_train_batch_size": 1, "gradient_accumulation_steps": cfg.training.gradient_accumulation_steps,
        "lr_scheduler_type": cfg.training.lr_scheduler_type, "warmup_steps": cfg.training.warmup_steps,
    })  # fmt: skip
    trainer = trl_own(way, cfg, prepared.supervision.samples, folder)
    trainer.args.max_steps = cfg.training.max_steps
    return trainer


def device() -> str:
    from kgtune import model as models

    return models.device_name()


if __name__ == "__main__":
    sys.exit(main())
