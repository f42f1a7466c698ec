"""The base model's tokenizer: byte-level BPE whose pieces of a name are the same wherever the name stands.

Knows nothing about models.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kgtune.demo.lessons import END_OF_TEXT, TURN_END, TURN_START

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VOCAB_SIZE = 3072
SPECIALS = (END_OF_TEXT, TURN_START, TURN_END)
# Copying is learnt token by token, so a name must be cut alike after a space, a quote or a bracket: a space joins only
# a plain lower-case word, never the start of a capitalised or dotted name; letters split at a change of case; digits,
# Chinese characters and most marks stand alone; runs of JSON marks may merge, which shortens answers by a third.
_PIECES = (
    r" ?[a-z]+(?![A-Za-z0-9]|[.\-_\[:/@][A-Za-z0-9.\]])|[A-Z][a-z]+|[A-Z]+(?![a-z])|[a-z]+|[A-Z]|\p{N}|\p{Han}|"
    r"[\"{}\[\]:,]+|\n+| +|[^\s]|\s"
)
# The shape of Qwen2.5's template without its tools and default system message.
CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def train_tokenizer(texts: Iterable[str], vocab_size: int = VOCAB_SIZE) -> PreTrainedTokenizerFast:
    """Train the BPE on texts; special tokens get the first ids, `<|im_end|>` ends a turn."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token=TURN_END,
        pad_token=END_OF_TEXT,
        additional_special_tokens=[TURN_START],
        clean_up_tokenization_spaces=False,
        model_max_length=4096,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
