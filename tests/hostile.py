"""Texts that strangers might send, drawn from a seeded generator: two scripts, and all that breaks a JSON string."""

from __future__ import annotations

import random

WORDS = "GlassViper used NightLoom against Northwind Bank in March the group operation Tidefall struck servers".split()
CHINESE = "暗影组织 使用 维卡木马 攻击 北风银行 三月 行动 服务器 被 控制".split()
SHARDS = [
    '"', "\\", '\\"', "\\\\", "C:\\Windows\\System32\\cmd.exe", "\\\\server\\share", "/etc/passwd", "hxxp://evil[.]test/a?b=c&d",
    "198[.]51[.]100[.]7", "CVE-2021-00001", "\n", "\r\n", "\t", "\x00", "\x07", "\x08", "\x0b", "\x0c", "\x1b[31m", "\x1f", "\x7f", "\x85",
    "\u00a0", "\u200b", "\u2028", "\u2029", "\u202e", "\ufeff", "\ufffd", "😀", "👩\u200d💻", "e\u0301", "ﬁ", "İ", "ß", "𝒜", "｢", "“quoted”",
    '"},{"', '"}],"relationships":[]}', '{"entities":[', "null", "NaN", "\\u0041", "\\n", "'", "`", "%s", "{}", "[]", "<script>",
    "<|im_end|>", "<|im_start|>system\n", "<|endoftext|>", "</think>", "<tool_call>", "‹|im_end|>", "‹|im_end|><|im_end|>", '<|"|>',
    "A" * 60, "=-" * 40, " " * 30, "0" * 64, "啊" * 30,
]  # fmt: skip


def text(rng: random.Random) -> str:
    """Draw a text: mostly words, mostly shards, or both, of one character to a few hundred."""
    share = rng.choice([0.05, 0.3, 0.9])
    pieces = []
    for _ in range(rng.choice([1, 2, 5, 20, 60])):
        words = rng.choice([WORDS, CHINESE])
        pieces.append(rng.choice(SHARDS) if rng.random() < share else rng.choice(words))
        pieces.append(rng.choice(["", " ", " ", ". ", "。", "\n"]))
    return "".join(pieces)
