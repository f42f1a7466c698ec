r"""Indicators in running text: where they stand, of what kind, and their refanged spelling.

Knows nothing about entities, graphs or files. Linear in the text: no nested quantifier can backtrack, and
look-arounds are ASCII, since `\b` sees no edge between a Chinese character and a Latin letter.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "url", "email", "ipv4", "ipv6", "domain", "file", "path", "registry", "md5", "sha1", "sha256", "sha512",
    "cve", "weakness", "attack_id", "guid", "btc", "eth", "asn",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ioc:
    """An indicator at text[start:end], as the text spells it."""

    start: int
    end: int
    kind: Kind


# Two-letter and generic endings seen in reports; the public suffix list is not needed to protect a span.
TLDS = frozenset(
    "com net org info biz io co me tv cc ws xyz top club site online shop store tech space live pro app dev cloud "
    "icu vip work world link click host press website fun life today zone onion bit example test invalid local "
    "arpa gov edu mil int mobi name asia cn hk tw jp kr kp in pk bd lk np id my sg th vn ph mm la kh au nz us ca "
    "mx br ar cl pe ve uk ie fr de nl be lu ch at it es pt gr tr cy mt dk se no fi is ee lv lt pl cz sk hu ro bg "
    "rs hr si ba mk al ua by md ru su kz uz kg tj tm ge am az ir iq sy lb jo il ps sa ae qa kw om ye eg ly tn dz "
    "ma sd et ke ng gh za to ai so sh st tk ml ga cf gq pw nu eu".split()
)
FILE_ENDINGS = frozenset(
    "exe dll sys bat cmd ps1 psm1 vbs vbe js jse wsf hta lnk scr cpl ocx doc docx docm dot dotm xls xlsx xlsm ppt "
    "pptx pptm pdf rtf csv zip rar 7z gz tgz tar cab iso img vhd jar war py pyc pl rb sh md txt log html htm php "
    "asp aspx jsp json xml yml yaml ini cfg conf dat bin tmp db sqlite elf so apk ipa dmg pkg msi reg inf c h cpp "
    "rs go java png jpg jpeg gif bmp ico svg eml msg key pem crt evtx pcap".split()
)

_DOT = r"(?:\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\\\.|\.|．|\[。\])"
_BEFORE, _AFTER = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
_PLAIN = r"!#-'*-;=?-Z\\^_a-z~"
# A bracket belongs to a URL only when it is closed again: "(see http://a.example/b)" and a Markdown link end before it.
_URL_BODY = rf"(?:[{_PLAIN}．]|\[。\]|\([{_PLAIN}\[\]{{}}]*+\)|\[[{_PLAIN}(){{}}]*+\]|\{{[{_PLAIN}]*+\}})++"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_CLOSERS = {")": "(", "]": "[", "}": "{"}

_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("url", _BEFORE + r"(?:https?|h[xt*]{2}ps?|ftps?|fxps?|tcp|wss?|smb|ldaps?)"
            r"(?:\[://\]|(?:\[:\]|:)(?://|\\\\|\[//\]))" + _URL_BODY),
    ("email", r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_%+][A-Za-z0-9._%+-]{0,63}+(?:@|\[at\]|\(at\)|\[@\])"
              rf"(?:[A-Za-z0-9-]{{1,63}}+{_DOT})+[A-Za-z]{{2,24}}+" + _AFTER),
    ("ipv4", rf"(?<!\d\.){_BEFORE}{_OCTET}(?:{_DOT}{_OCTET}){{3}}(?:(?:\[:\]|:)\d{{1,5}})?(?:/\d{{1,2}})?(?!\.?\d)"
             + _AFTER),
    ("ipv6", r"(?<![A-Za-z0-9:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{2,39}+(?![A-Za-z0-9:])"),
    ("registry", _BEFORE + r"(?:HKEY_[A-Z_]{4,24}|HKLM|HKCU|HKCR|HKU|HKCC)\\[!#-;=?-_a-{}~]++"),
    ("path", _BEFORE + r"[A-Za-z]:\\[!#-)+-;=@-_a-{}~]*+"),
    ("path", r"(?<![A-Za-z0-9\\])(?:%[A-Za-z_]{2,30}%|\\\\[A-Za-z0-9._$-]{1,63})\\[!#-)+-;=@-_a-{}~]*+"),
    ("path", r"(?<![A-Za-z0-9/.:_~<-])~?/(?:[A-Za-z0-9._+-]{1,255}+/)++[A-Za-z0-9._+-]*+"),
    ("sha512", _BEFORE + r"[0-9A-Fa-f]{128}" + _AFTER),
    ("sha256", _BEFORE + r"[0-9A-Fa-f]{64}" + _AFTER),
    ("sha1", _BEFORE + r"[0-9A-Fa-f]{40}" + _AFTER),
    ("md5", _BEFORE + r"[0-9A-Fa-f]{32}" + _AFTER),
    ("cve", _BEFORE + r"CVE[-‐‑–]\d{4}[-‐‑–]\d{4,7}" + _AFTER),
    ("weakness", _BEFORE + r"(?:CWE|CAPEC|CNVD|CNNVD)-\d[\d-]{0,14}\d?" + _AFTER),
    ("attack_id", _BEFORE + r"(?:T\d{4}(?:\.\d{3})?|TA\d{4}|[SGMC]\d{4})(?![A-Za-z0-9]|\.\d)"),
    ("guid", _BEFORE + r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?" + _AFTER),
    ("btc", _BEFORE + r"(?:bc1[02-9ac-hj-np-z]{11,71}|[13][1-9A-HJ-NP-Za-km-z]{25,34})" + _AFTER),
    ("eth", _BEFORE + r"0x[0-9A-Fa-f]{40}" + _AFTER),
    ("asn", _BEFORE + r"ASN?\d{2,10}" + _AFTER),
    ("domain", rf"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]++(?:{_DOT}[A-Za-z0-9_-]++)++"),
)  # fmt: skip
# Identifiers whose case is part of their shape stay case-sensitive ("s0001" is no ATT&CK id).
_CASED = frozenset({"attack_id", "btc", "asn"})
# An indicator of the kind holds one of these characters; of the kinds that are not here, nothing is asked.
_NEEDS: dict[Kind, str] = {
    "url": ":", "email": "@[(", "ipv4": ".．[({", "ipv6": ":", "registry": "\\", "path": "\\/", "cve": "-‐‑–",
    "weakness": "-", "attack_id": "TSGMC", "guid": "-", "btc": "b13", "eth": "xX", "asn": "A", "domain": ".．[({",
}  # fmt: skip
_SHORTEST_OF: dict[Kind, int] = {
    "ipv4": 7, "md5": 32, "sha1": 40, "sha256": 64, "sha512": 128, "guid": 36, "eth": 42, "btc": 14, "cve": 13,
}  # fmt: skip
_COMPILED = tuple((kind, re.compile(p, 0 if kind in _CASED else re.IGNORECASE)) for kind, p in _PATTERNS)
_CHECKED = tuple((*one, frozenset(_NEEDS.get(one[0], "")), _SHORTEST_OF.get(one[0], 0)) for one in _COMPILED)
_ONE_DOT = re.compile(_DOT, re.IGNORECASE)
# The one kind that may hold spaces and letters of any script.
_QUOTED_PATHS = (
    re.compile(r"""(?<=["“])[A-Za-z]:\\[^"”\n<>|*?]{1,260}+(?=["”])""", re.IGNORECASE),
    re.compile(r"(?<=['‘])[A-Za-z]:\\[^'’\n<>|*?]{1,260}+(?=['’])", re.IGNORECASE),
)
# One for one, so that offsets hold. Chinese punctuation (，：（) stays: it ends a URL, its ASCII twin may not.
_FULL_WIDTH = re.compile("[０-９Ａ-Ｚａ-ｚ]")
_HALF_WIDTH = {0xFF00 + code: 0x20 + code for code in range(1, 0x5F) if chr(0x20 + code).isalnum()} | str.maketrans(
    "－．／＠＿", "-./@_"
)

# Every other indicator lies within one unbroken run of these characters and holds one of the marks below. Without
# regard to case, [a-z] also means the four characters behind the wide dot.
_RUN = r"[!-~‐‑–．。İıſ\u212a\d]"
# The first element is one set of characters, so that the search for it is a tight loop over the text.
_MARK = re.compile(
    r"[\d@\\/:．.\[(A-Fa-f](?:(?<=[\d@\\/:．])|(?<=\.)(?=[\])}\w-])|(?<=[\[(])(?=[dDaA。])|(?<=[A-Fa-f])(?=[A-Fa-f]{7}))"
    rf"{_RUN}*+"
)
_BACKWARDS = re.compile(rf"{_RUN}*+")
_SHORTEST = 3
_SHORTEST_NUMBER = 26  # a wallet; hashes of digits alone are longer

_REFANG = re.compile(
    r"(?<![A-Za-z0-9])(?P<http>h[xt*]{2}p)(?=s?[\[:])|(?<![A-Za-z0-9])(?P<ftp>fxp)(?=s?[\[:])"
    r"|(?P<slashes>\[://\]|(?:\[:\]|:)(?:\\\\|\[//\]))|(?P<colon>\[:\])|(?P<at>\[at\]|\(at\)|\[@\])"
    r"|(?P<dot>\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|(?<=[A-Za-z0-9])\\\.|．|\[。\])",
    re.IGNORECASE,
)
_DEFANGED_MARK = re.compile(r"[\[({\\:．]")
_REFANGED = {"http": "http", "ftp": "ftp", "slashes": "://", "colon": ":", "at": "@", "dot": "."}


def refang(value: str) -> str:
    """Undo the usual defanging: ``hxxp[:]//evil[.]com`` -> ``http://evil.com``."""
    return _REFANG.sub(lambda match: _REFANGED[str(match.lastgroup)], value)


def defanged_places(value: str) -> Iterator[tuple[int, int, str]]:
    """Yield each place that `refang` rewrites, in order, as (start, end, new)."""
    done = 0
    for mark in _DEFANGED_MARK.finditer(value):
        at = mark.start()
        # A place starts at its mark or, with a scheme, at most 5 characters before it, and is at most 8 long.
        for match in _REFANG.finditer(value, max(done, at - 5), at + 8):
            if match.start() > at:  # it has a mark of its own
                break
            done = match.end()
            yield match.start(), done, _REFANGED[str(match.lastgroup)]


def iocs(text: str) -> list[Ioc]:
    """Find every indicator, in order, without overlaps: the one that starts first stands, then the longer one."""
    if _FULL_WIDTH.search(text):
        text = text.translate(_HALF_WIDTH)
    kept: list[Ioc] = []
    for ioc in sorted(_candidates(text), key=lambda ioc: (ioc.start, -ioc.end)):
        if not kept or ioc.start >= kept[-1].end:
            kept.append(ioc)
    return kept


def _candidates(text: str) -> Iterator[Ioc]:
    """Search the runs that can hold an indicator, a tenth of a text, put one below the other; and quoted paths."""
    runs = _runs(text)
    if not runs:
        return
    if ":\\" in text:
        for quoted in _QUOTED_PATHS:
            for match in quoted.finditer(text):
                ioc = _shaped(text, match.start(), match.end(), "path")
                if ioc is not None:
                    yield ioc
    joined = "\n".join([text[start:end] for start, end in runs])
    begins, at = [], 0
    for start, end in runs:
        begins.append(at)
        at += end - start + 1
    characters = set(joined)
    for kind, pattern, needs, shortest in _CHECKED:
        if len(joined) < shortest or (needs and needs.isdisjoint(characters)):
            continue
        for match in pattern.finditer(joined):
            ioc = _shaped(joined, match.start(), match.end(), kind)
            if ioc is not None:
                index = bisect_right(begins, ioc.start) - 1
                shift = runs[index][0] - begins[index]
                yield Ioc(ioc.start + shift, ioc.end + shift, ioc.kind)


def _runs(text: str) -> list[tuple[int, int]]:
    """Find the unbroken runs with a mark in them; a short number alone is none."""
    runs: list[tuple[int, int]] = []
    floor = 0
    for match in _MARK.finditer(text):
        mark, end = match.span()
        before = _BACKWARDS.match(text[floor:mark][::-1])
        start = mark - (before.end() if before else 0)
        floor = end
        length = end - start
        if length >= _SHORTEST and (length >= _SHORTEST_NUMBER or not text[start:end].isdecimal()):
            runs.append((start, end))
    return runs


def _shaped(text: str, start: int, end: int, kind: Kind) -> Ioc | None:
    if kind == "domain":
        return _domain_or_file(text, start, end)
    if kind == "ipv6":
        return Ioc(start, end, kind) if _is_ipv6(text[start:end]) else None
    if kind in ("url", "registry", "path"):
        end = _without_trailing_punctuation(text, start, end)
    return Ioc(start, end, kind) if end > start + 2 else None


def _without_trailing_punctuation(text: str, start: int, end: int) -> int:
    """Leave out a sentence's own punctuation, and all from a bracket on that was not opened inside: a link's end."""
    depth = dict.fromkeys(_CLOSERS.values(), 0)
    for at in range(start, end):
        mark = text[at]
        if mark in depth:
            depth[mark] += 1
        elif mark in _CLOSERS:
            depth[_CLOSERS[mark]] -= 1
            if depth[_CLOSERS[mark]] < 0:
                end = at
                break
    while end > start and text[end - 1] in ".,;:!?'\"．":
        end -= 1
    return end


def _is_ipv6(value: str) -> bool:
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return value.count(":") >= 2 and any(character != ":" for character in value)


def _domain_or_file(text: str, start: int, end: int) -> Ioc | None:
    """Decide what dotted words are: a file by its ending, a domain by its last known top level."""
    dots = [(start + m.start(), start + m.end()) for m in _ONE_DOT.finditer(text[start:end])]
    is_defanged = any(stop - begin > 1 for begin, stop in dots)
    if not is_defanged and text[dots[-1][1] : end].lower() in FILE_ENDINGS:
        return Ioc(start, end, "file")
    for index in range(len(dots) - 1, -1, -1):
        stop = dots[index + 1][0] if index + 1 < len(dots) else end
        label = text[dots[index][1] : stop]
        # "found.In the" is a missing space, not India's top level.
        if label.lower() in TLDS and (label.islower() or text[start:stop].isupper()):
            return Ioc(start, stop, "domain")
    return None
