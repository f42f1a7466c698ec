"""A throw-away Qwen2 model with random weights and a byte-level tokenizer, made in a second without a download."""

from __future__ import annotations

from pathlib import Path

VOCABULARY = 400
CHAT_TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{'<|im_start|>assistant\\n'}}{% endif %}"
)
TEXTS = [
    '{"entities":[{"labels":"Tool","id":"e1","name":"VelkaRAT","description":""}],"relationships":[]}',
    "Crimson Otter deployed VelkaRAT against Northvale Bank. 暗影组织使用了维卡木马。",
]


def tokenizer() -> object:
    """A byte-level BPE with ChatML specials; token ids are the same on every call."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(TEXTS * 4, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>", clean_up_tokenization_spaces=False
    )
    fast.chat_template = CHAT_TEMPLATE
    fast.padding_side = "left"
    return fast


def model(*, hidden_size: int = 64, initializer_range: float = 0.02, num_layers: int = 2, seed: int = 0) -> object:
    """A Qwen2 model with random weights, the same for the same seed."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    fast = tokenizer()
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=VOCABULARY,  # type: ignore[arg-type]
        hidden_size=hidden_size,
        intermediate_size=2 * hidden_size,
        num_hidden_layers=num_layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        initializer_range=initializer_range,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=fast.eos_token_id,  # type: ignore[attr-defined]
        pad_token_id=fast.pad_token_id,  # type: ignore[attr-defined]
    )
    return Qwen2ForCausalLM(config)


def save_model(folder: Path, *, hidden_size: int = 64, initializer_range: float = 0.02, num_layers: int = 2) -> Path:
    """Write model and tokenizer into `folder`, as a hub would lay them out.

    A frozen output layer of standard deviation 0.02 can say nothing with confidence, whatever an adapter does:
    a test that wants answers learnt by heart raises `initializer_range`.
    """
    made = model(hidden_size=hidden_size, initializer_range=initializer_range, num_layers=num_layers)
    made.save_pretrained(str(folder), safe_serialization=True)  # type: ignore[attr-defined]
    tokenizer().save_pretrained(str(folder))  # type: ignore[attr-defined]
    return folder
