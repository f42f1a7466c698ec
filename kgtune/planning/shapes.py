"""How large a model is, layer by layer: Qwen2.5's published shapes, or a folder's config.json.

Knows nothing about memory, numbers formats or cards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgtune.errors import ModelError


@dataclass(frozen=True, slots=True)
class Shape:
    """A decoder of Qwen2's kind: grouped-query attention, gated MLP, biases on q, k and v."""

    name: str
    hidden_size: int
    num_layers: int
    intermediate_size: int
    num_heads: int
    num_kv_heads: int
    head_size: int
    vocab_size: int
    is_tied: bool
    """True when the output layer is the embedding, and so is held once."""

    @property
    def query_size(self) -> int:
        return self.num_heads * self.head_size

    @property
    def kv_size(self) -> int:
        return self.num_kv_heads * self.head_size

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of each linear module of one layer."""
        hidden, wide = self.hidden_size, self.intermediate_size
        return {
            "q_proj": (hidden, self.query_size),
            "k_proj": (hidden, self.kv_size),
            "v_proj": (hidden, self.kv_size),
            "o_proj": (self.query_size, hidden),
            "gate_proj": (hidden, wide),
            "up_proj": (hidden, wide),
            "down_proj": (wide, hidden),
        }

    @property
    def num_linear_weights(self) -> int:
        """Weights of the layers' linear modules: what 4 bits are for."""
        return self.num_layers * sum(inputs * outputs for inputs, outputs in self.linears.values())

    @property
    def num_other_weights(self) -> int:
        """Embedding, output layer, norms and biases: what keeps its 16 bits."""
        tables = self.vocab_size * self.hidden_size * (1 if self.is_tied else 2)
        per_layer = 2 * self.hidden_size + self.query_size + 2 * self.kv_size
        return tables + self.num_layers * per_layer + self.hidden_size

    @property
    def num_weights(self) -> int:
        return self.num_linear_weights + self.num_other_weights


# From the config.json that Qwen published with each model: hidden, layers, intermediate, heads, kv heads,
# vocabulary, tied. A head is hidden / heads wide in all of them.
_PUBLISHED = {
    "0.5B": (896, 24, 4864, 14, 2, 151_936, True),
    "1.5B": (1536, 28, 8960, 12, 2, 151_936, True),
    "3B": (2048, 36, 11_008, 16, 2, 151_936, True),
    "7B": (3584, 28, 18_944, 28, 4, 152_064, False),
    "14B": (5120, 48, 13_824, 40, 8, 152_064, False),
    "32B": (5120, 64, 27_648, 40, 8, 152_064, False),
    "72B": (8192, 80, 29_568, 64, 8, 152_064, False),
}
_NAME = re.compile(r"qwen2\.5-(?P<size>[\d.]+b)(-instruct)?", re.IGNORECASE)
SIZES = tuple(_PUBLISHED)


def published(size: str) -> Shape:
    """Return the shape of Qwen2.5 in one of SIZES."""
    hidden, layers, intermediate, heads, kv_heads, vocabulary, is_tied = _PUBLISHED[size]
    name = f"Qwen2.5-{size}"
    return Shape(name, hidden, layers, intermediate, heads, kv_heads, hidden // heads, vocabulary, is_tied)


def shape_of(model_id: str) -> Shape | None:
    """Return the shape of a model folder, else of a published name; None when neither says it."""
    if (config := Path(model_id) / "config.json").is_file():
        return read(config)
    named = _NAME.fullmatch(model_id.rstrip("/").rpartition("/")[2])
    size = named["size"].upper() if named else ""
    return published(size) if size in _PUBLISHED else None


def read(path: Path) -> Shape:
    """Read the shape from a model's config.json.

    Raises:
        ModelError: the file is no JSON object, or a size is missing in it.
    """
    try:
        values: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        heads = int(values["num_attention_heads"])
        hidden = int(values["hidden_size"])
        return Shape(
            name=path.parent.name,
            hidden_size=hidden,
            num_layers=int(values["num_hidden_layers"]),
            intermediate_size=int(values["intermediate_size"]),
            num_heads=heads,
            num_kv_heads=int(values.get("num_key_value_heads") or heads),
            head_size=int(values.get("head_dim") or hidden // heads),
            vocab_size=int(values["vocab_size"]),
            is_tied=bool(values.get("tie_word_embeddings", False)),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(
            f"{path}: can't be read as a model's configuration ({type(error).__name__}: {error}). "
            "Use the config.json that belongs to the weights."
        ) from error
