"""One entity as STIX 2.1 objects: of which type, with which properties, under which id.

Knows nothing about relationships or bundles. An id is made of the object's type and name (of an observable: of the
properties that the standard lists), so that two documents that name one thing name one object.
"""

from __future__ import annotations

import ipaddress
import json
import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from kgtune.export.places import place
from kgtune.folding import match_key
from kgtune.iocs import Kind, iocs, refang

Properties = dict[str, Any]

# The standard's own namespace for observables, and ours for everything else.
OBSERVABLES = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
OURS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:kgtune:stix")

HASHES: dict[Kind, str] = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}
# What the shape of a name says it is.
_SHAPES: dict[Kind, str] = {
    "url": "url", "email": "email-addr", "ipv4": "ipv4-addr", "ipv6": "ipv6-addr", "domain": "domain-name",
    "file": "file", "path": "file", "registry": "windows-registry-key", "asn": "autonomous-system",
    "cve": "vulnerability", "attack_id": "attack-pattern", **dict.fromkeys(HASHES, "file"),
}  # fmt: skip
_MALWARE = re.compile(
    r"(?:RAT|[Bb]ackdoor|[Tt]rojan|[Rr]ansom\w*|[Ss]tealer|[Ll]oader|[Dd]ownloader|[Dd]ropper|[Ww]iper|[Bb]otnet|[Ww]orm"
    r"|[Rr]ootkit|[Kk]eylogger|[Ss]pyware|[Mm]alware|木马|后门|勒索软件|蠕虫|病毒|窃密软件|加载器|下载器|擦除器|恶意软件|间谍软件)$"
)
# The standard wants hives written out, and its schema refuses a short one wherever it stands in the key.
_HIVES = {
    "HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER", "HKCR": "HKEY_CLASSES_ROOT", "HKU": "HKEY_USERS",
    "HKCC": "HKEY_CURRENT_CONFIG",
}  # fmt: skip
_SHORT_HIVE = re.compile("|".join(_HIVES), re.IGNORECASE)
_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}")
NAMED = frozenset(
    "attack-pattern campaign course-of-action identity incident infrastructure intrusion-set threat-actor tool "
    "vulnerability malware".split()
)
COLLECTING = frozenset({"report", "grouping", "note"})
"""Objects that must refer to others: without any there is no such object."""
CONTRIBUTING = {
    "file": ("hashes", "name", "parent_directory_ref"), "directory": ("path",), "windows-registry-key": ("key",),
    "autonomous-system": ("number",), "user-account": ("account_login",), "software": ("name",), "mutex": ("name",),
    "email-message": ("subject",), "x509-certificate": ("hashes", "serial_number"),
}  # fmt: skip


def shape(name: str) -> Kind | None:
    """Return the kind of indicator that a whole name is, None when it is none."""
    plain = refang(name.strip())
    found = iocs(plain)
    return found[0].kind if len(found) == 1 and (found[0].start, found[0].end) == (0, len(plain)) else None


def types_of(name: str, possible: Sequence[str]) -> tuple[str, ...]:
    """Choose among a label's object types by the shape of a name; the first is the one that relationships lead to.

    What is infrastructure by its label and an observable by its name is both.
    """
    kind = shape(name)
    shaped = _SHAPES.get(kind, "") if kind else ""
    if shaped not in possible and "location" in possible and place(name):
        shaped = "location"
    if shaped not in possible and "malware" in possible and _MALWARE.search(name.strip()):
        shaped = "malware"
    if shaped not in possible:
        return tuple(possible[:1])
    return ("infrastructure", shaped) if possible[0] == "infrastructure" != shaped else (shaped,)


def properties(type_: str, name: str) -> Properties | None:
    """Return what STIX asks of an object of this type, as far as a name can say it; None when it can't."""
    if type_ in NAMED:
        return _named(type_, name)
    builder = _BUILDERS.get(type_)
    return builder(refang(name.strip())) if builder else None


def is_observable(type_: str) -> bool:
    """Say whether a type is an observable, which has neither times nor a description."""
    return type_ in _OBSERVABLES


def identity(type_: str, name: str, made: Properties) -> str:
    """Return the object's id; an equal object has an equal id."""
    if not is_observable(type_):
        return our_id(type_, match_key(name) or name)
    keys = CONTRIBUTING.get(type_, ("value",))
    told = {key: made[key] for key in keys if key in made}
    text = json.dumps(
        told, ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )  # RFC 8785, as far as it goes here
    return f"{type_}--{uuid.uuid5(OBSERVABLES, text)}"


def our_id(type_: str, *parts: str) -> str:
    """Return an id of type and parts; no two lists of parts are one text."""
    return f"{type_}--{uuid.uuid5(OURS, json.dumps([type_, *parts], ensure_ascii=False))}"


def _named(type_: str, name: str) -> Properties:
    made: Properties = {"name": name}
    kind = shape(name)
    if type_ == "malware":
        made["is_family"] = True
    if type_ == "vulnerability" and kind == "cve":
        made["external_references"] = [{"source_name": "cve", "external_id": name.strip().upper()}]
    if type_ == "attack-pattern" and kind == "attack_id":
        made["external_references"] = [{"source_name": "mitre-attack", "external_id": name.strip()}]
    return made


def _location(name: str) -> Properties:
    # The standard wants a country, a region or coordinates; regions are an open vocabulary.
    return {"name": name, **(place(name) or {"region": re.sub(r"[\s_]+", "-", name.casefold())})}


def _of_shape(*kinds: Kind) -> Callable[[str], Properties | None]:
    return lambda name: {"value": name} if shape(name) in kinds else None


def _address(version: int) -> Callable[[str], Properties | None]:
    def made(name: str) -> Properties | None:
        try:
            network = ipaddress.ip_interface(name)
        except ValueError:
            return None
        return {"value": name} if network.version == version else None

    return made


def _file(name: str) -> Properties | None:
    kind = shape(name)
    if kind in HASHES:
        return {"hashes": {HASHES[kind]: name.lower()}}
    base = re.split(r"[\\/]", name)[-1] if kind == "path" else name
    return {"name": base} if base else None


def _registry_key(name: str) -> Properties | None:
    hive, backslash, rest = name.partition("\\")
    key = _HIVES.get(hive.upper(), hive) + backslash + rest
    return None if _SHORT_HIVE.search(key) else {"key": key}


def _certificate(name: str) -> Properties:
    kind = shape(name)
    return {"hashes": {HASHES[kind]: name.lower()}} if kind in HASHES else {"serial_number": name}


def _system(name: str) -> Properties | None:
    match = re.fullmatch(r"(?:ASN?)?\s*(\d{1,10})", name, re.IGNORECASE)
    return {"number": int(match[1])} if match else None


def _mac(name: str) -> Properties | None:
    return {"value": name.lower().replace("-", ":")} if _MAC.fullmatch(name) else None


def _indicator(name: str) -> Properties | None:
    """Write the pattern that finds what the name is; of a name without a known shape there is none."""
    kind = shape(name)
    value = (_registry_key(name) or {"key": name})["key"] if kind == "registry" else name
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    if kind in HASHES:
        pattern = f"[file:hashes.'{HASHES[kind]}' = '{name.lower()}']"
    elif kind == "file":
        pattern = f"[file:name = '{quoted}']"
    elif kind == "registry":
        pattern = f"[windows-registry-key:key = '{quoted}']"
    elif kind in ("url", "email", "ipv4", "ipv6", "domain"):
        pattern = f"[{_SHAPES[kind]}:value = '{quoted}']"
    else:
        return None
    return {"name": name, "pattern": pattern, "pattern_type": "stix"}


_BUILDERS: dict[str, Callable[[str], Properties | None]] = {
    "location": _location,
    "indicator": _indicator,
    "report": lambda name: {"name": name},
    "grouping": lambda name: {"name": name, "context": "unspecified"},
    "note": lambda name: {"content": name},
    "url": _of_shape("url"),
    "domain-name": _of_shape("domain"),
    "email-addr": _of_shape("email"),
    "ipv4-addr": _address(4),
    "ipv6-addr": _address(6),
    "mac-addr": _mac,
    "autonomous-system": _system,
    "file": _file,
    "directory": lambda name: {"path": name},
    "windows-registry-key": _registry_key,
    "mutex": lambda name: {"name": name},
    "software": lambda name: {"name": name},
    "user-account": lambda name: {"account_login": name},
    "email-message": lambda name: {"is_multipart": False, "subject": name},
    "x509-certificate": _certificate,
}
_OBSERVABLES = frozenset(_BUILDERS) - COLLECTING - {"location", "indicator"}
