"""Texts with nothing to extract: those that speak of security all the same are the hard ones.

Knows nothing about answers. What a row says of itself goes first, then the kind in its group id, then its words.
"""

from __future__ import annotations

import re
from typing import Literal, cast, get_args

from kgtune.augmentation import negatives

Kind = Literal["none", "easy_negative", "hard_negative"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# A text in which one of these stands is read by somebody who watches for threats; a model must read on.
_SECURITY_WORDS = re.compile(
    r"(?<![a-z])(?:malware|spyware|ransomware|trojan|phish|attack|threat|hack|exploit|vulnerabilit|intrusion|incident"
    r"|password|patch|firewall|antivirus|breach|alert|alarm|security|cyber|encrypt|suspicious|botnet|log(?:s|in)?(?![a-z]))"
    r"|攻击|威胁|漏洞|恶意|木马|病毒|间谍|勒索|钓鱼|黑客|入侵|安全|密码|口令|补丁|防火墙|告警|加密|可疑|日志|渗透|应急",
    re.IGNORECASE,
)


def kind_of(*, is_empty: bool, text: str | None = None, group_id: str = "", stated: str = "") -> Kind:
    """Sort a document: "none" when its gold graph holds something."""
    if not is_empty:
        return "none"
    if stated in KINDS and stated != "none":
        return cast("Kind", stated)
    if written := negatives.kind_of(group_id):
        return "hard_negative" if written == "hard" else "easy_negative"
    return "hard_negative" if _SECURITY_WORDS.search(text or "") else "easy_negative"
