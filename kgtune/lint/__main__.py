"""Print the catalogue as the page CODES.md: ``python -m kgtune.lint > kgtune/lint/CODES.md``."""

from __future__ import annotations

import sys

from kgtune.lint import catalogue

sys.stdout.write(catalogue.page())
