"""When something was so in a window of evidence, and for how long: spells, gaps and firings."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from driftreview.api.base import Model, Time
from driftreview.api.values import Duration

MOST_SAMPLES: Final = 10**9
"""Samples of one series: one a second makes thirty million in a year."""
Count = Annotated[int, Field(ge=0, le=MOST_SAMPLES)]
"""How many samples."""


class Spells(Model):
    """When something was so: the longest spell of it, and all of them."""

    since: Time
    """When the longest began; of as long ones the first."""
    until: Time
    """When that ended."""
    number: Annotated[int, Field(ge=1)]
    """How many there were."""
    total: Duration
    """How long all of them were together."""
    last: Time
    """When the last one ended."""
    still: bool
    """Whether nothing says that it was over by the window's end."""


class Firings(Model):
    """How often an alert rule would have fired in the window."""

    times: Count
    """How many times."""
    total: Duration
    """For how long in all."""


class Gaps(Model):
    """Kind Presence: the longest stretches without a sample.

    While the source was scraping: steps at which it had scraped nothing end a stretch, as nothing is known of them.
    """

    longest: Duration
    """After the first sample."""
    longest_scraped: Duration
    """The same while the source was scraping."""
    first: Duration
    """From the window's start to the first sample."""
    first_scraped: Duration
    """Of that, the longest stretch while the source was scraping."""
    last: Duration = "0s"
    """From the last sample to the window's end."""
    last_scraped: Duration = "0s"
    """Of that, the longest stretch while the source was scraping."""
    silent: Spells | None = None
    """When it was absent, from the window's start on."""
    silent_scraped: Spells | None = None
    """The same while the source was scraping."""
