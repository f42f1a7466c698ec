"""Folding an adapter into its base, with proof: what the merged model says is held against what the adapter's did.

Knows nothing about training. An adapter that was trained over 4-bit weights has learnt to correct their error; folded
into the 16-bit original it corrects an error that isn't there. So both are measured, and the one that agrees is kept.
"""

from __future__ import annotations

import gc
import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from kgtune import examples as example_files
from kgtune import hub, model_folder, prompt, runs
from kgtune import model as models
from kgtune.errors import ModelError
from kgtune.evaluation.sample import fixed
from kgtune.model import TunedModel
from kgtune.settings import Config
from kgtune.training import checkpoints, supervision

log = logging.getLogger(__name__)

Source = Literal["16-bit base", "dequantised nf4 base"]
REPORT_FILE = "merge.json"
NUM_PROBES = 16
MAX_TOKENS = 512  # of answers that are compared: 300 MB at Qwen's vocabulary
PROBE_TEXT = "Crimson Otter deployed VelkaRAT against Northvale Bank. 暗影组织使用了维卡木马。"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How far a merged model is from the adapter's, over the tokens of answers.

    `mean_kl` is in nats, of the merged from the adapter's distribution; `argmax_rate` is the share of tokens whose
    likeliest successor is another.
    """

    mean_kl: float
    max_logit_error: float
    argmax_rate: float
    num_tokens: int


def merge(folder: Path, cfg: Config) -> Path:
    """Write merged_model/ beside `folder`, from the base that the measured disagreement speaks for."""
    if not models.is_adapter(folder):
        raise ModelError(f"{folder}: holds no adapter, so there is nothing to merge. Give a final_model folder.")
    tuned = models.load_tuned(folder, cfg)
    rows = probes(tuned, cfg)
    wanted = answer_logits(tuned.model, rows)
    del tuned
    found: dict[Source, Disagreement] = {}
    for source in get_args(Source):
        gc.collect()
        found[source] = disagreement(wanted, answer_logits(folded(folder, cfg, source), rows))
        log.info("merged into the %s: %s", source, _told(found[source]))
    chosen = best_of(found)
    log.info("the %s agrees better and is written", chosen)
    return _write(folder, cfg, chosen, found)


def best_of(found: dict[Source, Disagreement]) -> Source:
    """The source that disagrees least; of equals the first, which is the better model elsewhere."""
    return min(found, key=lambda source: found[source].mean_kl)


def probes(tuned: TunedModel, cfg: Config) -> list[tuple[list[int], int]]:
    """Token ids of held-out rows, and how many of each are its answer; without data one made-up text and its prompt."""
    path = Path(cfg.data.training_data)
    if not path.exists():
        log.warning("%s: no such file, so the merge is measured on one made-up text instead of held-out rows", path)
        rendered = prompt.render(tuned.tokenizer, tuned.contract.system, PROBE_TEXT)
        ids = list(tuned.tokenizer(rendered, add_special_tokens=False)["input_ids"])
        return [(ids, len(ids) - 1)]
    rows = example_files.read_examples(path, default_confidence=cfg.data.default_confidence, drop_descriptions=False)
    held_out = [row for row in rows if row.split in {"test", "validation"}] or list(rows)
    samples = [supervision.render(row, tuned.tokenizer, tuned.contract.system) for row in fixed(held_out, NUM_PROBES)]
    return [([*sample.prompt_ids, *sample.answer_ids], len(sample.answer_ids)) for sample in samples]


def answer_logits(model: Any, rows: Sequence[tuple[list[int], int]]) -> torch.Tensor:
    """What the model says before each answer token, (tokens, vocabulary), 32-bit, in the machine's memory."""
    said: list[torch.Tensor] = []
    room = MAX_TOKENS
    with torch.inference_mode():
        for ids, num_answer in rows:
            number = min(num_answer, room)
            if not number:
                break
            inputs = torch.tensor([ids[: len(ids) - num_answer + number]], device=model.device)
            said.append(model(input_ids=inputs).logits[0, -number - 1 : -1].float().cpu())
            room -= number
    return torch.cat(said)


def disagreement(wanted: torch.Tensor, said: torch.Tensor) -> Disagreement:
    """Compare two models' words about the same tokens."""
    wanted_log, said_log = wanted.log_softmax(-1), said.log_softmax(-1)
    return Disagreement(
        mean_kl=float((wanted_log.exp() * (wanted_log - said_log)).sum(-1).mean()),
        max_logit_error=float((wanted - said).abs().max()),
        argmax_rate=float((wanted.argmax(-1) != said.argmax(-1)).float().mean()),
        num_tokens=len(wanted),
    )


def folded(folder: Path, cfg: Config, source: Source) -> Any:
    """The adapter folded into one kind of base, in 16 bits (32 on a CPU)."""
    from peft import PeftModel

    contract = model_folder.read_contract(folder)
    base = hub.resolve(contract.base_model, cfg.model.hub)
    precision = models.precision_for(cfg.training.precision)
    is_nf4 = source == "dequantised nf4 base"
    weights = models.load_weights(base, load_in_4bit=is_nf4, precision=precision)
    if is_nf4:
        weights = weights.dequantize(dtype=models.DTYPES[precision])
    return PeftModel.from_pretrained(weights, str(folder)).merge_and_unload().eval()


def _write(folder: Path, cfg: Config, chosen: Source, found: dict[Source, Disagreement]) -> Path:
    contract = model_folder.read_contract(folder)
    target, temporary = folder.with_name("merged_model"), folder.with_name("merged_model.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    gc.collect()
    folded(folder, cfg, chosen).save_pretrained(str(temporary), safe_serialization=True)
    models.load_tokenizer(folder).save_pretrained(str(temporary))
    model_folder.save_contract(temporary, contract, model_folder.read_ontology(folder, contract))
    report = {
        "schema_version": 1,
        "adapter_over": "nf4 base" if cfg.model.load_in_4bit else "16-bit base",
        "chosen": chosen,
        "disagreement": {source: asdict(one) for source, one in found.items()},
        **runs.provenance(models.device_name()),
    }
    runs.write_json_atomic(temporary / REPORT_FILE, report)
    checkpoints.put_in_place(temporary, target)
    return target


def _told(one: Disagreement) -> str:
    return (
        f"KL {one.mean_kl:.2e} nats a token, another likeliest token at {one.argmax_rate:.2%} of {one.num_tokens}, "
        f"logits off by {one.max_logit_error:.2e} at most"
    )
