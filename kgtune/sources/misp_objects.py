"""A MISP event's attributes, objects, clusters and tags: what each is called, and which label it gets.

Knows nothing about graphs, files or reports. Labels are STIX's names where STIX has one, else MISP's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kgtune.sources import fields

_ATTRIBUTE_LABELS = {
    "domain-name": "domain hostname domain|ip hostname|port",
    "url": "url uri link",
    "email-addr": "email email-src email-dst email-reply-to target-email whois-registrant-email dns-soa-email",
    "email-message": "email-subject email-message-id email-body",
    "file": "filename md5 sha1 sha224 sha256 sha384 sha512 ssdeep imphash tlsh authentihash pehash vhash "
    "email-attachment attachment malware-sample filename-pattern",
    "windows-registry-key": "regkey regkey|value",
    "mutex": "mutex",
    "vulnerability": "vulnerability cpe weakness",
    "autonomous-system": "AS",
    "mac-addr": "mac-address mac-eui-64",
    "x509-certificate": "x509-fingerprint-md5 x509-fingerprint-sha1 x509-fingerprint-sha256",
    "user-account": "target-user github-username jabber-id twitter-id whois-registrant-name",
    "identity": "target-org",
    "location": "target-location",
    "threat-actor": "threat-actor",
    "campaign": "campaign-name campaign-id",
}
_OBJECT_LABELS = {
    "domain-name": "domain-ip dns-record",
    "email-message": "email",
    "file": "file pe elf macho lnk",
    "windows-registry-key": "registry-key",
    "ipv4-addr": "ip-port",
    "autonomous-system": "asn",
    "x509-certificate": "x509",
    "identity": "organization legal-entity victim",
    "location": "geolocation",
}
_GALAXY_LABELS = {
    "malware": "mitre-malware malpedia ransomware rat banker botnet stealer backdoor cryptominers mitre-malware android",
    "tool": "mitre-tool exploit-kit tds",
    "attack-pattern": "mitre-attack-pattern mitre-enterprise-attack-attack-pattern branded-vulnerability",
    "intrusion-set": "mitre-intrusion-set mitre-enterprise-attack-intrusion-set",
    "threat-actor": "threat-actor microsoft-activity-group 360net",
    "campaign": "mitre-campaign",
    "course-of-action": "mitre-course-of-action",
    "location": "country region target-information",
    "identity": "sector",
}
_NOT_ENTITIES = frozenset("text comment other datetime size-in-bytes counter float boolean hex port yara sigma snort "
                          "pattern-in-file pattern-in-traffic mime-type".split())  # fmt: skip
# Which of an object's attributes names it; else the first one does.
_NAMING = ("filename", "name", "value", "url", "domain", "hostname", "ip", "ip-dst", "ip-src", "key", "subject", "id",
           "sha256", "sha1", "md5")  # fmt: skip
_TAG = re.compile(r'misp-galaxy:(?P<galaxy>[^=]+)="(?P<value>.+)"')
_CLUSTER_ID = re.compile(r" - (?:[TSGMC]A?\d{4}(?:\.\d{3})?|APT-C-\d+)$")


def _table(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: label for label, names in labels.items() for name in names.split()}


_ATTRIBUTES, _OBJECTS, _GALAXIES = _table(_ATTRIBUTE_LABELS), _table(_OBJECT_LABELS), _table(_GALAXY_LABELS)


@dataclass(frozen=True, slots=True)
class MispThing:
    """What a mark can point to. `label` is "" for a value that is no entity, such as a comment."""

    uuid: str
    label: str
    names: tuple[str, ...]
    is_deleted: bool = False


def things(event: Mapping[str, Any]) -> Iterator[MispThing]:
    """Yield the event's attributes, objects, the attributes in them, and galaxy clusters."""
    for attribute in dicts(event.get("Attribute")):
        yield from _attribute(attribute, is_deleted=False)
    for one in dicts(event.get("Object")):
        is_deleted = _is_true(one.get("deleted"))
        inside = dicts(one.get("Attribute"))
        yield _object(one, inside, is_deleted=is_deleted)
        for attribute in inside:
            yield from _attribute(attribute, is_deleted=is_deleted)
    for galaxy in dicts(event.get("Galaxy")):
        for cluster in dicts(galaxy.get("GalaxyCluster")):
            kind = str(cluster.get("type") or galaxy.get("type") or "")
            meta = cluster["meta"] if isinstance(cluster.get("meta"), Mapping) else {}
            names = [*fields.strings(cluster.get("value")), *fields.strings(meta.get("synonyms"))]
            if names:
                names[0] = _CLUSTER_ID.sub("", names[0])
                yield MispThing(str(cluster.get("uuid", "")), _GALAXIES.get(kind, kind), tuple(names))


def references(event: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (source, type, target) of the references between the event's objects and attributes, by uuid."""
    for one in dicts(event.get("Object")):
        for reference in dicts(one.get("ObjectReference")):
            kind, target = reference.get("relationship_type"), reference.get("referenced_uuid")
            if (
                isinstance(kind, str)
                and kind.strip()
                and isinstance(target, str)
                and not _is_true(reference.get("deleted"))
            ):
                yield str(one.get("uuid", "")), fields.clean(kind).strip(), target


def from_tag(tag: str) -> MispThing:
    """Read a tag: of a galaxy, the cluster that it names; any other is no entity."""
    match = _TAG.fullmatch(tag.strip())
    if match is None:
        return MispThing(f"tag {tag}", "", (tag.strip(),))
    name = _CLUSTER_ID.sub("", match["value"])
    return MispThing(f"tag {tag}", _GALAXIES.get(match["galaxy"], match["galaxy"]), (name,))


def dicts(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list; anything else counts as absent."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def is_deleted(item: Mapping[str, Any]) -> bool:
    """Tell what was deleted in MISP and is kept in the export."""
    return _is_true(item.get("deleted"))


def _is_true(value: object) -> bool:
    return value is True or value in (1, "1", "true", "True")


def _attribute(attribute: Mapping[str, Any], *, is_deleted: bool) -> Iterator[MispThing]:
    kind, values = str(attribute.get("type", "")), fields.strings(attribute.get("value"))
    if values:
        name = values[0].partition("|")[0] if "|" in kind else values[0]
        gone = is_deleted or _is_true(attribute.get("deleted"))
        yield MispThing(str(attribute.get("uuid", "")), _label(kind, name), (name,), gone)


def _label(kind: str, value: str) -> str:
    if kind in _NOT_ENTITIES:
        return ""
    if kind in ("ip-src", "ip-dst", "ip-src|port", "ip-dst|port"):
        return "ipv6-addr" if ":" in value else "ipv4-addr"
    return _ATTRIBUTES.get(kind) or _ATTRIBUTES.get(kind.partition("|")[0], kind)


def _object(one: Mapping[str, Any], inside: list[Mapping[str, Any]], *, is_deleted: bool) -> MispThing:
    by_role = {str(attribute.get("object_relation")): attribute for attribute in reversed(inside)}
    naming = next((by_role[role] for role in _NAMING if role in by_role), inside[0] if inside else {})
    kind = str(one.get("name", ""))
    names = fields.strings(naming.get("value"))
    return MispThing(str(one.get("uuid", "")), _OBJECTS.get(kind, kind), tuple(names), is_deleted)
