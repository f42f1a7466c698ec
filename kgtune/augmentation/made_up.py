"""Indicators that nobody owns: of the same kind as a given one, in the ranges kept for documentation, defanged alike.

Knows nothing about documents. RFC 5737 and 3849 keep the addresses, RFC 2606 and 6761 the domains; a hash is random.
"""

from __future__ import annotations

import random
import re
from functools import lru_cache

from kgtune.grounding import iocs, match_key
from kgtune.iocs import Kind, refang

_WORDS = ("amber", "birch", "cobble", "dune", "ember", "fjord", "grove", "harbor", "island", "juniper", "kelp",
          "lagoon", "meadow", "nectar", "orchid", "pebble", "quartz", "river", "saffron", "timber", "umber", "violet",
          "willow", "yarrow", "zephyr")  # fmt: skip
_TOP_LEVELS = ("example", "example.com", "example.net", "example.org", "test", "invalid")
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
_HASHES: frozenset[Kind] = frozenset({"md5", "sha1", "sha256", "sha512"})
KINDS: frozenset[Kind] = _HASHES | {"ipv4", "ipv6", "domain", "url", "email", "file"}
"""What can be made up; an identifier such as a CVE or a registry key means what it says and stays."""

_COULD_BE = re.compile(r"[\d.:\\/@．\[({]|.{32}")
_DEFANGED_DOT = re.compile(r"\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\\\.|．|\[。\]", re.IGNORECASE)
_DOMAIN = r"[a-z]+-[a-z]+\.(?:example(?:\.com|\.net|\.org)?|test|invalid)"
_ADDRESS = "|".join(network.replace(".", r"\.") for network in _NETWORKS)
_OURS = re.compile(
    rf"(?:(?:{_ADDRESS})\.\d{{1,3}}(?:[:/]\d+)?|2001:db8::[0-9a-f]{{1,4}}|(?:[a-z]+://|[a-z]+\d\d@)?{_DOMAIN}(?:/\S*)?"
    rf"|(?:{'|'.join(_WORDS)})\d\d\.\w+)"
)


@lru_cache(maxsize=65_536)
def kind_of(name: str) -> Kind | None:
    """Return the kind of indicator that the whole name is, None for any other name."""
    found = iocs(name) if _COULD_BE.search(name) else []
    return found[0].kind if len(found) == 1 and (found[0].start, found[0].end) == (0, len(name)) else None


@lru_cache(maxsize=65_536)
def is_free_of_indicators(name: str) -> bool:
    """Tell names that hold no indicator; most can be told at a glance."""
    return not (_COULD_BE.search(name) and iocs(name))


def is_ours(name: str) -> bool:
    """Tell what `make` could have made: a hash, or an indicator inside the documentation ranges."""
    if not _COULD_BE.search(name):
        return False
    return kind_of(name) in _HASHES or bool(_OURS.fullmatch(refang(match_key(name))))


def make(kind: Kind, old: str, rng: random.Random) -> str:
    """Make an indicator of the kind, with the old one's port, mask, scheme, file ending, case and way of defanging."""
    return styled(_plain(kind, refang(old), rng), old)


def _plain(kind: Kind, old: str, rng: random.Random) -> str:
    if kind == "ipv4":
        tail = re.search(r"[:/]\d+$", old)
        return f"{rng.choice(_NETWORKS)}.{rng.randint(1, 254)}{tail[0] if tail else ''}"
    if kind == "ipv6":
        return f"2001:db8::{rng.randint(1, 0xFFFF):x}"
    if kind == "domain":
        return _domain(rng)
    if kind == "url":
        scheme, _, rest = old.partition("://")
        ending = re.search(r"/[^/?#]*(\.[a-z0-9]{2,4})$", rest, re.IGNORECASE)
        path = f"/{rng.choice(_WORDS)}{ending[1] if ending else ''}" if "/" in rest else ""
        return f"{scheme}://{_domain(rng)}{path}"
    if kind == "email":
        return f"{rng.choice(_WORDS)}{rng.randint(10, 99)}@{_domain(rng)}"
    if kind == "file":
        return f"{rng.choice(_WORDS)}{rng.randint(10, 99)}.{old.rpartition('.')[2]}"
    digits = "".join(rng.choice("0123456789abcdef") for _ in old)
    return digits.upper() if old.isupper() else digits


def _domain(rng: random.Random) -> str:
    one, two = rng.sample(_WORDS, 2)
    return f"{one}-{two}.{rng.choice(_TOP_LEVELS)}"


def styled(new: str, surface: str) -> str:
    """Defang `new` the way that `surface` is: its kind of dot, all dots or the last, and its scheme."""
    plain = refang(new)
    dot = _DEFANGED_DOT.search(surface)
    if dot:
        head, host, rest = _around_host(plain)
        only_last = len(_DEFANGED_DOT.findall(surface)) < _around_host(refang(surface))[1].count(".")
        front, _, back = host.rpartition(".")
        plain = head + (f"{front}{dot[0]}{back}" if only_last else host.replace(".", dot[0])) + rest
    separator = re.match(r"([A-Za-z*]+)(\[://\]|(?:\[:\]|:)(?://|\\\\|\[//\]))", surface)
    if separator and "://" in plain:
        plain = separator[1] + separator[2] + plain.partition("://")[2]
    at = re.search(r"\[at\]|\(at\)|\[@\]", surface, re.IGNORECASE)
    return plain.replace("@", at[0]) if at else plain


def _around_host(plain: str) -> tuple[str, str, str]:
    """Divide a URL into what stands before its host, the host, and the rest; anything else is all host."""
    match = re.match(r"([a-z]+://)([^/?#]*)(.*)", plain, re.IGNORECASE | re.DOTALL)
    return (match[1], match[2], match[3]) if match else ("", plain, "")
