"""Where a text comes from: which dates are taken, and when they were."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from kgtune.document import Source, moment


@pytest.mark.parametrize(
    ("published", "when"),
    [
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T08:30", datetime(2026, 11, 20, 8, 30, tzinfo=UTC)),
        ("2026-11-20 08:30:00Z", datetime(2026, 11, 20, 8, 30, tzinfo=UTC)),
        ("2026-11-20t08:30:00z", datetime(2026, 11, 20, 8, 30, tzinfo=UTC)),
        ("2026-11-20T08:30:00.5+08:00", datetime(2026, 11, 20, 0, 30, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_a_date_or_time_is_a_moment_in_utc(published, when):
    assert (Source(published=published).published, moment(published)) == (published, when)


@pytest.mark.parametrize(
    "published", ["", "yesterday", "20261120", "2026-W47-1", "2026-02-30", "2026-11-20T25:00", "2026-11-20T08:30+25:00",
                  "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"],
)  # fmt: skip
def test_what_is_no_date_or_none_of_our_calendar_s_years_in_utc_is_refused(published):
    with pytest.raises(ValidationError, match="is no date. Write 2026-11-20 or 2026-11-20T08:30:00Z"):
        Source(published=published)
