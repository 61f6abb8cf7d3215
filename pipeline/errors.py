"""The one exception that means: the input is wrong, and here is what would be right."""

from __future__ import annotations


class UserError(ValueError):
    """A mistake in the input; its message is one sentence naming the file, key or value."""
