"""The graph of the golden files, and the command that writes them anew: ``python -m tests.export.golden``.

All actors are invented. A changed file is a changed promise: read the diff, and say why in the commit.
"""

from __future__ import annotations

from pathlib import Path

from kgtune import export, ontology
from kgtune.export import Document, Exported
from kgtune.graph import Entity, Graph, Relationship

FOLDER = Path(__file__).parent / "golden"
DOCUMENT = Document(
    "雾隼 2026 (Mist Falcon)", "https://reports.example/mist-falcon?a=1&b=2", "2026-11-20T08:30:00+08:00", "amber"
)
TEXT = (
    "Mist Falcon (雾隼) used LanternRAT against Harbour Bank. The operation Tidefall began with 钓鱼邮件, an initial access\n"
    "technique. LanternRAT called hxxps://evil[.]example/a?b=1&c=2 and exploited CVE-2031-10452. 雾隼使用了 C:\\users\\run.exe。"
)
GRAPH = Graph(
    (
        Entity("ThreatOrganization", "threat-organization--mist-falcon", "Mist Falcon", "a group, also 雾隼"),
        Entity("Tool", "tool--lantern-rat", "LanternRAT"),
        Entity("Target", "target--harbour-bank", "Harbour Bank"),
        Entity("AttackEvent", "attack-event--tidefall", "Tidefall"),
        Entity("Technique", "technique--钓鱼邮件", "钓鱼邮件"),
        Entity("Tactic", "tactic--initial-access", "initial access"),
        Entity("Asset", "asset--evil", "hxxps://evil[.]example/a?b=1&c=2"),
        Entity("Tool", "tool--cve-2031-10452", "CVE-2031-10452"),
        Entity("Asset", "asset--run-exe", "C:\\users\\run.exe"),
        Entity("Tool", "tool--ghost", "Ghost </script> O'Neil", "in no text"),
    ),
    (
        Relationship(
            "USE", "threat-organization--mist-falcon", "tool--lantern-rat", 0.95, "Mist Falcon (雾隼) used LanternRAT"
        ),
        Relationship("ATTACK", "threat-organization--mist-falcon", "target--harbour-bank", 0.9, "against Harbour Bank"),
        Relationship("USE", "attack-event--tidefall", "technique--钓鱼邮件", 0.8, "Tidefall began with 钓鱼邮件"),
        Relationship(
            "BELONG", "technique--钓鱼邮件", "tactic--initial-access", 0.7, "钓鱼邮件, an initial access\ntechnique"
        ),
        Relationship("USE", "tool--lantern-rat", "asset--evil", 0.85, "called hxxps://evil[.]example/a?b=1&c=2"),
        Relationship("USE", "tool--lantern-rat", "tool--cve-2031-10452", 0.6, "exploited CVE-2031-10452"),
        Relationship(
            "USE", "threat-organization--mist-falcon", "asset--run-exe", 0.75, "雾隼使用了 C:\\users\\run.exe"
        ),
        Relationship("BELONG", "asset--evil", "target--harbour-bank", 0.25, "not a word of the text"),
    ),
)


def render(format_: str) -> Exported:
    return export.render(GRAPH, TEXT, format_, DOCUMENT, ontology.load("threat_event"))


def path(format_: str) -> Path:
    return FOLDER / f"mist_falcon{export.FORMATS[format_].suffix}"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in export.FORMATS:
        path(name).write_bytes(render(name).content)
