"""Which options of a command line go together: one that would be ignored is refused, and both are named.

Knows nothing about what an option does. A script keeps its pairs in tables beside its parser.
"""

from __future__ import annotations

import argparse
import keyword
from collections.abc import Mapping, Sequence

Table = Mapping[str, Sequence[str]]


def check(
    parser: argparse.ArgumentParser, args: argparse.Namespace, *, apart: Table | None = None, needs: Table | None = None
) -> None:
    """Stop with a usage error where an option stands beside one that has no use for it, or without one it needs.

    `apart` maps an option to those that mean nothing beside it; `needs` maps one to those of which it takes any.
    `--format=json` is that option with that value.
    """
    for option, others in (apart or {}).items():
        for other in others:
            if _is_given(parser, args, option) and _is_given(parser, args, other):
                parser.error(f"{other} means nothing beside {option}: leave one of the two out")
    for option, others in (needs or {}).items():
        if _is_given(parser, args, option) and not any(_is_given(parser, args, other) for other in others):
            parser.error(f"{option} goes with {' or '.join(others)} only")


def _is_given(parser: argparse.ArgumentParser, args: argparse.Namespace, option: str) -> bool:
    name, _, value = option.partition("=")
    dest = name.lstrip("-").replace("-", "_")
    dest = f"{dest}_" if keyword.iskeyword(dest) else dest
    found = getattr(args, dest)
    return bool(found == value) if value else bool(found != parser.get_default(dest))
