"""What every page of ours is made with: the templates, and a policy that lets nothing but our own style and script run.

Knows nothing about what a page shows.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache

import jinja2


@cache
def environment() -> jinja2.Environment:
    """Return the templates of this package; every value in them is escaped."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("kgtune", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def file(name: str) -> str:
    """Return a file that stands beside the templates, as it is."""
    loader = environment().loader
    assert loader is not None
    return loader.get_source(environment(), name)[0]


def policy(style: str, script: str) -> str:
    """Allow this style sheet and this script by their hashes, and nothing else: neither requests nor handlers."""

    def source(content: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"

    allowed = f"default-src 'none'; style-src {source(style)}; script-src {source(script)}"
    return f"{allowed}; base-uri 'none'; form-action 'none'"
