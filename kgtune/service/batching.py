"""One batch through the extractor: what is tried again, in which pieces, when it fails.

Knows nothing about the queue, the worker thread's life or HTTP; it runs on that thread.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from kgtune.errors import UserError
from kgtune.extraction.extractor import Extraction, Extractor, extract_shown
from kgtune.extraction.interruption import DeviceLostError, DeviceMemoryError, PartlyFailedError, TextCancels
from kgtune.service.jobs import DeadlineError, ExtractionError, Job, MemoryFullError

logger = logging.getLogger(__name__)

Outcome = Extraction | Exception
BeginCall = Callable[[list[Job]], tuple[list[Job], TextCancels]]


@dataclass
class BatchRun:
    """Extracts the jobs of a batch. `begin_call` leaves out whom nobody waits for, and gives the cancel flag."""

    extractor: Extractor
    begin_call: BeginCall
    ran_out_of_memory: bool = False

    def outcomes(self, jobs: list[Job], *, may_retry: bool = True) -> list[Outcome]:
        """Return one outcome a job, in their order. DeviceLostError and what ends a thread pass through."""
        wanted, cancel = self.begin_call(jobs)
        found = dict(zip(wanted, self._call(wanted, cancel, may_retry=may_retry), strict=True)) if wanted else {}
        return [found.get(job) or DeadlineError("nobody waits for it") for job in jobs]

    def _call(self, jobs: list[Job], cancel: TextCancels, *, may_retry: bool) -> list[Outcome]:
        try:
            return self._checked(self._extractions(jobs, cancel), len(jobs))
        except DeviceLostError:
            raise
        except DeviceMemoryError:
            return self._in_halves(jobs, may_retry=may_retry)
        except PartlyFailedError as error:  # not text by text: that would double the load on a server in trouble
            return list(error.outcomes)
        except UserError as error:
            if len(jobs) == 1:
                return [error]
        except Exception as error:  # noqa: BLE001 - worker-loop boundary
            if len(jobs) == 1:
                jobs[0].context.run(_log, error)
                return [ExtractionError(type(error).__name__)]
        # Text by text, so that one can't fail its neighbours.
        return [outcome for job in jobs for outcome in self.outcomes([job], may_retry=may_retry)]

    def _extractions(self, jobs: list[Job], cancel: TextCancels) -> list[Extraction]:
        texts = [job.text for job in jobs]
        watches = [job.show if job.is_watched else None for job in jobs]
        return extract_shown(self.extractor, texts, watches, cancel=cancel)

    def _in_halves(self, jobs: list[Job], *, may_retry: bool) -> list[Outcome]:
        """Try again once, a half at a time; a single text as it is, since its neighbours may have left memory."""
        self.ran_out_of_memory = True
        logger.warning("the device has no memory for a batch of %d%s", len(jobs), ": retried" if may_retry else "")
        if not may_retry:
            return [MemoryFullError("device memory") for _ in jobs]
        middle = len(jobs) // 2
        halves = [half for half in (jobs[:middle], jobs[middle:]) if half]
        return [outcome for half in halves for outcome in self.outcomes(half, may_retry=False)]

    def _checked(self, extractions: list[Extraction], num_texts: int) -> list[Outcome]:
        if not isinstance(extractions, list) or not all(isinstance(each, Extraction) for each in extractions):
            raise TypeError(f"{self.extractor.name} gave something else than a list of extractions")
        if len(extractions) != num_texts:
            raise ValueError(f"{self.extractor.name} gave {len(extractions)} extractions for {num_texts} texts")
        return list(extractions)


def _log(error: Exception) -> None:
    # Not the message: it may quote the text, and texts are not logged.
    logger.error("extraction failed: %s\n%s", type(error).__name__, stack(error))


def stack(error: BaseException) -> str:
    """Write where an error was raised, without its words."""
    return "".join(traceback.format_tb(error.__traceback__))
