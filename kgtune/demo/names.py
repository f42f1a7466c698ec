"""Invented names by kind, language and fold; knows which stems and phrases are held out.

Knows nothing about sentences, documents or files.
"""

from __future__ import annotations

import itertools
import random
import zlib
from functools import cache
from typing import Literal

Fold = Literal["pretrain", "train", "validation", "test"]
Lang = Literal["en", "zh"]

_HELD_OUT_FOLDS: tuple[Fold, ...] = ("validation", "test")
# Share of a hash space of 100 per fold; the pretraining share is the widest since copying is learnt from many stems.
_FOLD_BOUNDS: tuple[tuple[int, Fold], ...] = ((70, "pretrain"), (84, "train"), (92, "validation"), (100, "test"))
_EN_STEMS_DRAWN = 48_000

_ONSETS = "b br c cr d dr f fl g gr h j k kr l m n p pr r s sk st t th tr v vr w y z zh".split()
_VOWELS = "a a e e i i o o u u ai ea ia io ou y".split()
_CODAS = ["", "", "", *"l m n r s x k nd rk th sh lt rn".split()]

# None of these characters may stand in a frame, a background sentence or a cue: a stem is then visible as one.
_ZH_NAME_CHARS = (
    "岚朔隼曜霁翎骁珩玥璟琅珀琥鸢鹭鹤鸾麒麟狼狐豹鹰枭蝎蛟鲸鲨鲲鹏鸦雀燕鸿雁苍玄墨黛赤绯碧翠靛霜岩岭峦渊泽溟澜涛汐沧汀屿岬"
    "砂砾磐烽焰炽煌烛焱灼熠曦昴棠槐楠梧桐柏杉榆枫蓝芷蘅兰荻菱莲葵蔷薇瑶琼瑾璇钧铎锋剑戟戈弩盾骥骏骊驹"
)

_PATTERNS: dict[Lang, dict[str, list[str]]] = {
    "en": {
        "actor": (
            "{S} Group|Crimson {S}|Silent {S}|{S} Spider|{S} Panda|Team {S}|{S} Collective|{S} Crew|Velvet {S}|"
            "{S} Syndicate|Iron {S}|{S} Brigade|Shadow {S}|{S} Jackal|APT-{S}|UNC-{N}|TA-{N}|Storm-{N}|{S}"
        ).split("|"),
        "event": (
            "Operation {S}|{S} campaign|{S} incident|Operation Red {S}|{S} intrusion|{S} breach|Operation {S} Dawn|"
            "Campaign {S}|{S} attack|{S} wave"
        ).split("|"),
        "tool": (
            "{S}RAT|{S} Loader|{s}.exe|{S}Bot|{S}Locker|{S} Stealer|{S}Shell|{S} backdoor|{S} ransomware|{S}Kit|"
            "{s}.dll|{s}.ps1|{S}Drop|{S} implant|{S} Beacon|{S}Wiper|{S}"
        ).split("|"),
        "target": (
            "{S} Bank|Ministry of Ports of {S}|{S} Power|{S} Airlines|University of {S}|{S} City Hospital|"
            "{S} Telecom|{S} Logistics|{S} Water Authority|{S} Insurance|Bank of {S}|{S} Shipping|{S} Energy|"
            "{S} Ministry of Finance|{S} Steelworks|Port of {S}|{S} Media|{S} Pharma|{S} Rail|{S} Council"
        ).split("|"),
        "report": (
            "{S} Threat Bulletin {Y}|{S} Labs Report {Y}|{S} Intelligence Brief|{S} Advisory {N}|"
            "Inside {S}: A Case Study|{S} Quarterly Report|{S} Security Whitepaper|The {S} Dossier"
        ).split("|"),
        "procedure": (
            "{S} staging script|{S} delivery routine|{S} cleanup script|{S} deployment playbook|{S} upload routine|"
            "{S} install sequence|{S} login script|{S} packing routine|{S} rollout procedure|{S} transfer job"
        ).split("|"),
    },
    "zh": {
        "actor": (
            "{Z}组织|{Z}团伙|{Z}小组|暗影{Z}|{Z}军团|{Z}帮|幽灵{Z}|{Z}黑客组织|{Z}团队|APT-{Z}|{Z}联盟|UNC-{N}|"
            "{S} Group|{S}团伙|{S}组织"
        ).split("|"),
        "event": ("{Z}行动|{Z}攻击活动|{Z}事件|{Z}战役|{Z}钓鱼活动|{Z}入侵事件|{Z}计划|{Z}窃密行动|{Z}勒索事件").split(
            "|"
        ),
        "tool": (
            "{Z}木马|{Z}后门|{Z}加载器|{Z}远控|{Z}窃密器|{Z}勒索软件|{Z}工具包|{Z}蠕虫|{Z}下载器|{Z}僵尸程序|{Z}植入体|"
            "{S}RAT|{S} Loader|{s}.exe|{S}Bot|{S}Locker|{s}.dll|{S} Stealer|{S}Shell"
        ).split("|"),
        "target": (
            "{Z}电力公司|{Z}市医院|{Z}银行|{Z}大学|{Z}港务局|{Z}水务集团|{Z}交通部|{Z}科技公司|{Z}航空|{Z}电信|{Z}保险公司|"
            "{Z}钢铁厂|{Z}物流集团|{Z}财政局|{Z}研究院|{Z}能源集团|{Z}石化|{Z}铁路局|{Z}证券|{Z}制药"
        ).split("|"),
        "report": (
            "《{Z}威胁报告》|《{Z}安全简报》|《{Z}样本分析》|《{Z}年度报告》|《{Z}情报通报》|《{Z}溯源报告》|《{Z}白皮书》|"
            "{Z}季度报告"
        ).split("|"),
        "procedure": (
            "{Z}投递流程|{Z}打包脚本|{Z}回传流程|{Z}部署步骤|{Z}清理脚本|{Z}安装流程|{Z}登录脚本|{Z}分发流程|{Z}下发脚本|"
            "{Z}准备步骤"
        ).split("|"),
    },
}

_EN_NOUNS = (
    "DLL|registry|session token|browser cookie|boot record|scheduled task|service account|kernel driver|macro|"
    "shortcut file|clipboard|keystroke|webcam|firewall rule|event log|password vault|DNS record|print spooler|"
    "startup folder|mailbox rule|cloud key|backup catalog|installer package|certificate store"
).split("|")
_EN_ACTIONS = "hijacking|theft|tampering|injection|forgery|wiping|harvesting|spoofing|abuse|replacement".split("|")
_EN_PHRASES = (
    "credential dumping|process hollowing|password spraying|pass the hash|DNS tunneling|timestomping|"
    "domain fronting|spearphishing attachment|spearphishing link|drive-by compromise|screen capture|"
    "binary padding|data encoding|port knocking|sandbox evasion|code signing with stolen keys|"
    "brute force login|remote desktop abuse|living off the land|supply chain compromise|disk encryption|"
    "fileless loading|reflective loading|token impersonation|kerberoasting|watering hole|audio capture"
).split("|")
_ZH_NOUNS = (
    "动态库|注册表|会话令牌|浏览器凭证|引导扇区|计划任务|服务账户|内核驱动|宏代码|快捷方式|剪贴板|键盘记录|摄像头|防火墙规则|"
    "事件日志|密码库|域名解析|打印服务|启动目录|邮箱规则|云密钥|备份目录|安装包|证书库"
).split("|")
_ZH_ACTIONS = "劫持|窃取|篡改|注入|伪造|擦除|采集|仿冒|滥用|替换".split("|")
_ZH_PHRASES = (
    "凭证转储|进程镂空|密码喷洒|哈希传递|DNS隧道|时间戳伪装|域前置|鱼叉附件|鱼叉链接|路过式下载|屏幕截取|文件填充|数据编码|"
    "端口敲门|沙箱规避|盗用签名|暴力破解登录|远程桌面滥用|无文件加载|反射加载|供应链投毒|磁盘加密|令牌冒用|票据破解|水坑攻击|"
    "录音窃听|内存驻留"
).split("|")
_TACTICS: dict[Lang, list[str]] = {
    "en": (
        "initial access|persistence|defense evasion|credential access|command and control|exfiltration|"
        "reconnaissance|code execution|host discovery|data collection|business impact"
    ).split("|"),
    "zh": "初始访问|持久化|防御规避|凭据访问|命令与控制|数据渗出|目标侦察|代码执行|环境发现|信息收集|破坏影响".split(
        "|"
    ),
}
_TACTICS_HELD_OUT: dict[Lang, list[str]] = {
    "en": ["lateral movement", "privilege escalation", "resource development"],
    "zh": ["横向移动", "权限提升", "资源开发"],
}
# First letters of the cues that follow a stem without a gap ("Velmora" + "Locker"): they must not complete a stem.
_JOINED_CUES = ("rat", "bot", "loc", "she", "kit", "dro", "wip")
_HASH_DIGITS = "0123456789abcdef"


def _fold_of(key: str) -> Fold:
    """Assign a stem, phrase or number to a fold by its hash, so that folds never share one."""
    point = zlib.crc32(key.encode("utf-8")) % 100
    return next(fold for bound, fold in _FOLD_BOUNDS if point < bound)


def _draw_en_stem(rng: random.Random) -> str:
    syllables = 2 if rng.random() < 0.7 else 3
    parts = [rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables)]
    return "".join(parts) + rng.choice(_CODAS)


def _contains_any(word: str, stems: frozenset[str]) -> bool:
    """Say whether a substring of `word` is in `stems`; stems have at least six letters."""
    return any(word[i:j] in stems for i in range(len(word) - 5) for j in range(i + 6, len(word) + 1))


@cache
def en_stems(fold: Fold) -> tuple[str, ...]:
    """Give the fold's English stems in lower case; no training stem contains a held-out one."""
    drawn = _drawn_en_stems()
    mine = [stem for stem in drawn if _fold_of(stem) == fold]
    if fold in _HELD_OUT_FOLDS:
        return tuple(mine)
    held_out = frozenset(stem for stem in drawn if _fold_of(stem) in _HELD_OUT_FOLDS)
    return tuple(stem for stem in mine if not any(_contains_any(stem + cue, held_out) for cue in _JOINED_CUES))


@cache
def _drawn_en_stems() -> tuple[str, ...]:
    rng = random.Random(20240601)
    drawn = (_draw_en_stem(rng) for _ in range(_EN_STEMS_DRAWN))
    return tuple(dict.fromkeys(stem for stem in drawn if 6 <= len(stem) <= 9))


@cache
def zh_stems(fold: Fold) -> tuple[str, ...]:
    """Give the fold's Chinese stems: pairs of name characters, by the hash of the pair."""
    pairs = ("".join(pair) for pair in itertools.permutations(_ZH_NAME_CHARS, 2))
    return tuple(pair for pair in pairs if _fold_of(pair) == fold)


@cache
def techniques(lang: Lang, *, held_out: bool) -> tuple[str, ...]:
    """Give the technique phrases of one side of the held-out line."""
    if lang == "en":
        composed = [f"{noun} {action}" for noun in _EN_NOUNS for action in _EN_ACTIONS]
        phrases = [*_EN_PHRASES, *composed]
    else:
        phrases = [*_ZH_PHRASES, *(noun + action for noun in _ZH_NOUNS for action in _ZH_ACTIONS)]
    return tuple(phrase for phrase in phrases if (_fold_of(phrase) in _HELD_OUT_FOLDS) == held_out)


def tactics(lang: Lang, *, held_out: bool) -> tuple[str, ...]:
    """Give the tactic names of one side of the held-out line."""
    return tuple(_TACTICS_HELD_OUT[lang] if held_out else _TACTICS[lang])


@cache
def _addresses(fold: Fold) -> tuple[str, ...]:
    """Give the fold's documentation addresses (RFC 5737); three-digit last parts so that none contains another."""
    networks = ("192.0.2", "198.51.100", "203.0.113")
    every = (f"{network}.{last}" for network in networks for last in range(100, 255))
    return tuple(address for address in every if _fold_of(address) == fold)


@cache
def _numbers(fold: Fold) -> tuple[str, ...]:
    return tuple(str(n) for n in range(1000, 9999, 7) if _fold_of(f"number {n}") == fold)


def _asset(rng: random.Random, fold: Fold) -> str:
    stem = rng.choice(en_stems(fold))
    kind = rng.random()
    if kind < 0.36:
        plain = rng.choice(_addresses(fold))
    else:
        host = rng.choice(("{s}", "cdn-{s}", "{s}-update", "mail.{s}", "api.{s}", "{s}-login")).format(s=stem)
        plain = f"{host}.{rng.choice(('example', 'test', 'invalid'))}"
        if kind > 0.94:
            plain = f"http://{plain}/{rng.choice('abcdefgh')}{rng.randint(1, 9)}"
    if rng.random() < 0.35:
        return plain.replace("http://", "hxxp://").replace(".", "[.]")
    return plain


def file_hash(rng: random.Random) -> str:
    """Draw a shortened file hash; sixteen digits, since a full one costs a small context window."""
    return "".join(rng.choices(_HASH_DIGITS, k=16))


def draw(rng: random.Random, slot: str, lang: Lang, fold: Fold) -> str:
    """Draw a name for a slot ("actor", "tool", ...) as it will stand in the text."""
    held_out = fold in _HELD_OUT_FOLDS
    if slot == "asset":
        return _asset(rng, fold)
    if slot in ("technique", "tactic"):
        phrases = techniques(lang, held_out=held_out) if slot == "technique" else tactics(lang, held_out=held_out)
        phrase = rng.choice(phrases)
        return phrase.title() if lang == "en" and phrase.islower() and rng.random() < 0.3 else phrase
    stem = rng.choice(en_stems(fold))
    pattern = rng.choice(_PATTERNS[lang][slot])
    zh_stem, number, year = rng.choice(zh_stems(fold)), rng.choice(_numbers(fold)), rng.randint(2021, 2025)
    return pattern.format(S=stem.capitalize(), s=stem, Z=zh_stem, N=number, Y=year)


def held_out_names() -> list[str]:
    """List every stem, phrase and address that only held-out documents may contain."""
    names: list[str] = []
    for fold in _HELD_OUT_FOLDS:
        names += [*en_stems(fold), *zh_stems(fold), *_addresses(fold)]
    for lang in ("en", "zh"):
        names += [*techniques(lang, held_out=True), *tactics(lang, held_out=True)]
    return names
