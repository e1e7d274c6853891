"""What is wrong with the options themselves."""

from __future__ import annotations


class UsageError(Exception):
    """Options that do not go together, or say nothing that can be done."""
