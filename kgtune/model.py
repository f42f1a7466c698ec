"""Weights, tokenizers and adapters: where they come from and how they are loaded.

Knows nothing about examples, training or HTTP. Only safetensors are read, no remote code is run.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from kgtune import hub, prompt
from kgtune.checks import catalogue
from kgtune.config import COMMAND_LINE, Resolved
from kgtune.errors import ModelError, UserError
from kgtune.extraction.extractor import Extractor
from kgtune.model_folder import read_contract, read_ontology
from kgtune.ontology import Ontology
from kgtune.prompt import ChatTokenizer, Contract
from kgtune.settings import Config

log = logging.getLogger(__name__)

MOST_CPU_GIB = 2.0  # of 16-bit weights: a billion parameters, some seconds a line of an answer on a few cores
Precision = Literal["bf16", "fp16", "fp32"]
DTYPES: dict[Precision, torch.dtype] = {
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "fp32": torch.float32,
}


@dataclass(frozen=True)
class TunedModel:
    """A loaded model with all that belongs to it: it can be asked, and it knows how it wants to be asked."""

    model: Any
    tokenizer: ChatTokenizer
    contract: Contract
    ontology: Ontology
    name: str


def require_card(profile: str) -> None:
    """Stop, before anything is downloaded, where a profile needs a GPU that isn't there."""
    if profile != "demo" and not torch.cuda.is_available():
        raise UserError(
            f"--profile {profile}: no CUDA device was found, and a 7B model can't be trained or run on a CPU. "
            "Use a machine with a card of 16 GB or more, or try the whole pipeline with --profile demo "
            "(a small embedded model, minutes on a CPU)."
        )


def settings_here(resolved: Resolved, folder: Path) -> Config:
    """Return the settings under which a kept model runs on this machine, whatever profile it was trained with.

    Without a card only a small base does, and that not in 4 bits unless the command line says so: they save no
    memory that matters and make an answer slower.
    """
    base = base_of(folder, read_contract(folder))
    if torch.cuda.is_available() or resolved.profile == "demo" or not is_small(base):
        require_card(resolved.profile)
        return resolved.config
    cfg = resolved.config
    if cfg.model.load_in_4bit and resolved.origins["model.load_in_4bit"] != COMMAND_LINE:
        log.info("%s: its base is small and there is no card, so it runs on the CPU, not in 4 bits", folder)
        cfg = cfg.model_copy(update={"model": cfg.model.model_copy(update={"load_in_4bit": False})})
    return cfg


def base_of(folder: Path, contract: Contract) -> str:
    """The id or folder of the weights below a kept model: a merged one has none but its own."""
    return contract.base_model if is_adapter(folder) else str(folder)


def is_adapter(folder: Path) -> bool:
    """True of a model folder that holds an adapter over a base, not whole weights."""
    return (folder / "adapter_config.json").exists()


def is_small(model_id: str) -> bool:
    """True of weights on this machine that a CPU can run."""
    folder = hub.local_folder(model_id)
    sizes = [path.stat().st_size for path in folder.glob("*.safetensors")] if folder else []
    return bool(sizes) and sum(sizes) <= MOST_CPU_GIB * 2**30


def is_at_hand(model_id: str) -> bool:
    """True when the tokenizer can be had without a download, or on a machine that would train and so may download."""
    return hub.local_folder(model_id) is not None or torch.cuda.is_available()


def precision_for(asked: str) -> Precision:
    """Resolve `auto`: bf16 where the card can, else fp16, fp32 on CPU."""
    if asked == "auto":
        if not torch.cuda.is_available():
            return "fp32"
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if asked not in DTYPES:
        raise UserError(f"training.precision={asked}: not one of auto, bf16, fp16, fp32.")
    if asked == "bf16" and torch.cuda.is_available() and not torch.cuda.is_bf16_supported(including_emulation=False):
        major, minor = torch.cuda.get_device_capability()
        facts = {"card": torch.cuda.get_device_name(), "capability": f"{major}.{minor}"}
        raise catalogue.failed("C8-NO-BF16", "training.precision", **facts)
    return asked


def device_name() -> str:
    """The device in words, for result files."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"cpu ({torch.get_num_threads()} threads)"


def load_tokenizer(folder: Path) -> Any:
    """Load a tokenizer that has a chat template; padding is on the left, as batched generation needs it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    if not tokenizer.chat_template:
        raise ModelError(
            f"{folder}: the tokenizer has no chat template. Use an Instruct model, such as Qwen2.5-7B-Instruct."
        )
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_weights(folder: Path, *, load_in_4bit: bool, precision: Precision) -> Any:
    """Load a causal language model, as nf4 with nested quantisation when `load_in_4bit`."""
    from transformers import AutoModelForCausalLM

    kwargs: dict[str, Any] = {
        "dtype": DTYPES[precision],
        "use_safetensors": True,
        "trust_remote_code": False,
    }
    if load_in_4bit:
        kwargs["quantization_config"] = quantization(precision)
    if torch.cuda.is_available():
        kwargs["device_map"] = {"": int(os.environ.get("LOCAL_RANK", "0"))}
    try:
        model = AutoModelForCausalLM.from_pretrained(str(folder), **kwargs)
    except OSError as error:
        raise ModelError(
            f"{folder}: the weights can't be read: {error}. Check that the download is complete."
        ) from error
    check_quantized(model, load_in_4bit=load_in_4bit)
    return model


def quantization(precision: Precision) -> Any:
    """The QLoRA paper's settings; bitsandbytes' own defaults are fp4, fp32 compute and no nesting."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=DTYPES[precision],
        # FSDP shards what is stored in a float type; bytes it would copy to every card
        bnb_4bit_quant_storage=DTYPES[precision] if os.environ.get("ACCELERATE_USE_FSDP") == "true" else torch.uint8,
    )


def check_quantized(model: Any, *, load_in_4bit: bool) -> int:
    """Count the modules that really are 4-bit, nf4 and nested; stop when that is not what was asked."""
    import bitsandbytes as bnb

    linears = [module for module in model.modules() if isinstance(module, bnb.nn.Linear4bit)]
    for module in linears:
        # On a CPU with AVX512 bitsandbytes repacks the weights for the first answer: rounded anew, and no gradient
        # passes them afterwards. Such a model is measured, then trained, then measured again.
        module.support_avx512bf16_for_cpu = False
    bad = [m for m in linears if m.weight.quant_type != "nf4" or not m.weight.compress_statistics]
    if bool(linears) != load_in_4bit or bad:
        facts = {"asked": load_in_4bit, "num_linear": len(linears), "num_bad": len(bad)}
        raise catalogue.failed("C8-NOT-4-BIT", "weights", **facts)
    return len(linears)


def load_tuned(folder: Path, cfg: Config) -> TunedModel:
    """Load a folder that fine_tune.py wrote: an adapter over its base model, or a merged model."""
    contract = read_contract(folder)
    ontology = read_ontology(folder, contract)
    tokenizer = load_tokenizer(folder)
    prompt.check_contract(contract, tokenizer, where=str(folder))
    has_base = is_adapter(folder)
    base = hub.resolve(contract.base_model, cfg.model.hub) if has_base else folder
    precision = precision_for(cfg.training.precision)
    model = load_weights(base, load_in_4bit=cfg.model.load_in_4bit and has_base, precision=precision)
    if has_base:
        from peft import PeftModel

        hub.refuse_pickles(folder)
        model = PeftModel.from_pretrained(model, str(folder))
    model.eval()
    return TunedModel(model, tokenizer, contract, ontology, name=folder.name)


def load_extractor(model_dir: Path, cfg: Config) -> Extractor:
    """The loader that inference.py and serve.py share."""
    from kgtune.extraction.generation import TransformersExtractor  # generation stands above this module

    tuned = load_tuned(model_dir, cfg)
    if hasattr(tuned.model, "merge_and_unload") and not cfg.model.load_in_4bit:
        # An adapter adds 14 small products to each layer and token; a merge into 4 bits would lose most of it.
        tuned = replace(tuned, model=tuned.model.merge_and_unload())
    return TransformersExtractor.from_tuned(tuned, cfg.decoding)
