"""What a layer's file is refused for, in words that can be said in the reader's language."""

from __future__ import annotations


class UnusableFeatures(ValueError):
    """The file cannot become a layer; the message says what of it and why.

    `message` is a marked one of ours, whose places `values` fill.
    """

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message.format(**values))
        self.message = message
        self.values = {name: str(value) for name, value in values.items()}
