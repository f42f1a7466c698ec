"""Print the catalogue as the page CODES.md: ``python -m kgtune.checks > kgtune/checks/CODES.md``."""

import sys

from kgtune.checks import catalogue

sys.stdout.write(catalogue.page())
