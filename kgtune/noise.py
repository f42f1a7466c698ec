"""What libraries say on stderr about things that nobody here can change, and how it is kept out.

Knows the libraries by name only. A download's progress stays: it takes minutes, and a person wants to see it move.
"""

from __future__ import annotations

import logging
import os
import warnings

# Their warnings of what they will drop are for whoever calls them; each is met by an upgrade of requirements.txt.
_LIBRARIES = ("accelerate", "bitsandbytes", "datasets", "huggingface_hub", "peft", "torch", "transformers", "trl")


def hush() -> None:
    """Turn off progress bars and notices of things to come, before the libraries are loaded; errors are still told."""
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for library in _LIBRARIES:
        for category in (FutureWarning, DeprecationWarning):
            warnings.filterwarnings("ignore", category=category, module=rf"{library}(\.|$)")
    # bitsandbytes looks for compiled kernels on a hub, and says so when it goes on without
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
