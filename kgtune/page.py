"""One HTML file that asks nothing of the network: templates, style sheets, scripts, and the policy that says so.

Knows nothing about what a page shows. Everything that a template prints is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from kgtune import highlighting

SCRIPT = "page.js"
"""What every report does: change its language."""
STYLE = "page.css"


def render(
    template: str, *, styles: Sequence[str] = (), scripts: Sequence[str] = (), is_report: bool = True, **values: Any
) -> str:
    """Write a page by a template of kgtune/templates; a report has the shared style and script before its own."""
    if is_report:
        styles, scripts = (STYLE, *styles), (SCRIPT, *scripts)
    style = highlighting.style() + "".join(_file(name) for name in styles)
    script = "".join(_file(name) for name in scripts)
    return (
        _environment()
        .get_template(template)
        .render(
            **values,
            style=Markup(style),  # noqa: S704 - our own files, no word of the data in them
            script=Markup(script),  # noqa: S704
            csp=_policy(style, script),
        )
    )


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("kgtune", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _file(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _policy(style: str, script: str) -> str:
    """Allow this style sheet and this script by their hashes, and nothing else: neither requests nor handlers."""

    def source(content: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"

    allowed = f"default-src 'none'; style-src {source(style)}; script-src {source(script)}"
    return f"{allowed}; base-uri 'none'; form-action 'none'"
