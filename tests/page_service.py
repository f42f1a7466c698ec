"""The service over a real socket, in this process, with answers that come step by step: for tests of its page.

python -m tests.page_service docs/images      the pictures of the page that the README shows
python -m tests.page_service                  the page itself, for work on it, until it is interrupted
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from kgtune import ontology as ontologies
from kgtune.extraction.extractor import Extraction, read_answer
from kgtune.parsing import Parsed, parse_answer
from kgtune.service import keys, server, service
from kgtune.settings import Config
from tests import browser
from tests.fakes import LIMIT_S

Entities = Sequence[tuple[str, str]]
Relationships = Sequence[tuple[int, str, int, float, str]]


def answer(entities: Entities, relationships: Relationships = ()) -> str:
    """Write an answer as a model does, from (label, name) and (source, type, target, confidence, evidence)."""
    made_entities = [
        {"labels": label, "id": f"e{number}", "name": name, "description": ""}
        for number, (label, name) in enumerate(entities, start=1)
    ]
    made = [
        {"type": type_, "source": f"e{source}", "target": f"e{target}", "confidence": confidence, "evidence": evidence}
        for source, type_, target, confidence, evidence in relationships
    ]
    whole = {"entities": made_entities, "relationships": made}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


# The two examples that the page offers, with what an annotator would write.
ENGLISH = answer(
    [
        ("ThreatOrganization", "GlassViper"), ("Tool", "NightLoom"), ("Target", "Northwind Bank"),
        ("IOC", "billing-northwind.example"), ("Vulnerability", "CVE-2031-20417"), ("Tool", "PaperKite"),
        ("IOC", "203.0.113.77"),
    ],
    [
        (1, "USE", 2, 0.95, "GlassViper used the loader NightLoom"),
        (1, "ATTACK", 3, 0.95, "against Northwind Bank in March"),
        (2, "USE", 4, 0.9, "spread through phishing mails from the domain billing-northwind.example"),
        (2, "USE", 5, 0.9, "exploited CVE-2031-20417 in the mail gateway"),
        (2, "USE", 6, 0.9, "it installed the backdoor PaperKite"),
        (6, "USE", 7, 0.85, "PaperKite, which sent its data to 203.0.113.77"),
    ],
)  # fmt: skip
CHINESE = answer(
    [
        ("ThreatOrganization", "琉璃蛇"), ("Tool", "夜织机"), ("Target", "北风银行"),
        ("IOC", "billing-northwind.example"), ("Vulnerability", "CVE-2031-20417"), ("Tool", "纸鸢"),
        ("IOC", "203.0.113.77"),
    ],
    [
        (1, "USE", 2, 0.95, "攻击组织“琉璃蛇”使用加载器“夜织机”"),
        (1, "ATTACK", 3, 0.95, "攻击了北风银行"),
        (2, "USE", 4, 0.9, "通过来自 billing-northwind.example 的钓鱼邮件传播"),
        (2, "USE", 5, 0.9, "利用邮件网关漏洞 CVE-2031-20417"),
        (2, "USE", 6, 0.9, "在主机上安装后门“纸鸢”"),
        (6, "USE", 7, 0.85, "后者把数据传到 203.0.113.77"),
    ],
)  # fmt: skip


class StepByStep:
    """Writes an answer item by item: `pause_s` between two, and none beyond the first `hold` until told to go on."""

    name = "step by step"

    def __init__(self, answers: dict[str, str] | None = None, *, pause_s: float = 0.0) -> None:
        self.ontology = ontologies.load("threat_event")
        self.answers = {} if answers is None else answers  # by the first word of the text
        self.pause_s = pause_s
        self.hold: int | None = None
        self.cancelled = threading.Event()
        self._changed = threading.Condition()

    def go_on(self, hold: int | None = None) -> None:
        with self._changed:
            self.hold = hold
            self._changed.notify_all()

    def extract(self, texts: Sequence[str], *, cancel: Any = None) -> list[Extraction]:
        return self.extract_watched(texts, [None] * len(texts), cancel=cancel)

    def extract_watched(self, texts: Sequence[str], watches: Sequence[Any], *, cancel: Any = None) -> list[Extraction]:
        return [self._write(text, watch, cancel) for text, watch in zip(texts, watches, strict=True)]

    def _write(self, text: str, watch: Any, cancel: Any) -> Extraction:
        whole = next((found for start, found in self.answers.items() if text.startswith(start)), answer([]))
        at, number = 0, 0
        while (at := whole.find('"}', at) + 2) > 1:
            number += 1
            if not self._may_write(number, cancel):
                self.cancelled.set()
                return read_answer("", "cancelled", 1, 0)
            if watch is not None:
                watch(whole[:at])
        return read_answer(whole, "stop", 1, 1)

    def _may_write(self, number: int, cancel: Any) -> bool:
        with self._changed:
            while self.hold is not None and number > self.hold:
                self._changed.wait(0.01)
                if cancel.is_set():
                    return False
        if self.pause_s:
            time.sleep(self.pause_s)
        return not cancel.is_set()


def example_answers() -> dict[str, str]:
    """Return the answers to the page's own examples."""
    for example in (ENGLISH, CHINESE):
        assert isinstance(parse_answer(example), Parsed)
    return {"The group GlassViper": ENGLISH, "三月": CHINESE}


@contextmanager
def serving(extractor: Any, cfg: Config | None = None, known: keys.Keys | None = None) -> Iterator[tuple[str, Any]]:
    """Serve on a free port; give the address and the app."""
    app = service.create_app(lambda: extractor, cfg or Config(), known)
    listener = server.listen("127.0.0.1", 0)
    running = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="on"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not running.started:
            time.sleep(0.01)
        app.state.engine.wait_loaded(LIMIT_S)
        yield server.address(listener), app
    finally:
        running.should_exit = True
        thread.join(LIMIT_S)
        listener.close()


def pictures(folder: Path) -> None:
    """Draw the page as it is empty, half way through an answer, with a selected edge, and in Chinese."""
    extractor = StepByStep(example_answers())
    with serving(extractor) as (address, _), browser.page() as page:
        page.size(1280, 800)
        page.open(f"{address}/?lang=en")
        page.wait("document.querySelector('#health').dataset.state === 'ready'")
        page.screenshot(folder / "page_empty.png", 1280, 800)
        extractor.go_on(hold=5)
        page.run("document.querySelector('#example').click(); document.querySelector('#extract').click()")
        page.wait("document.querySelectorAll('#entities tbody tr').length === 5")
        page.run("document.activeElement.blur()")
        page.screenshot(folder / "page_streaming.png", 1280, 800)
        extractor.go_on()
        finish(page)
        page.screenshot(folder / "page_graph.png", 1280, 800)
        page.open(f"{address}/?lang=zh")
        page.wait("document.querySelector('#health').dataset.state === 'ready'")
        page.run("document.querySelector('#example').click(); document.querySelector('#extract').click()")
        finish(page)
        page.screenshot(folder / "page_zh.png", 1280, 800)


def finish(page: browser.Page) -> None:
    """Wait for the whole graph, and select its third relationship."""
    page.wait("!document.querySelector('#downloads').hidden")
    page.run("new Promise((done) => setTimeout(done, 800))")  # the layout moves
    page.run("document.activeElement.blur(); document.querySelectorAll('#relationships button')[2].click()")
    page.run("new Promise((done) => setTimeout(done, 200))")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        pictures(Path(sys.argv[1]))
    else:
        with serving(StepByStep(example_answers(), pause_s=0.4)) as (where, _):
            sys.stderr.write(f"{where}/\n")
            threading.Event().wait()
