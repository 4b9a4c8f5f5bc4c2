"""What is wrong with what somebody wants a city to be set up with, to be told in their language."""

from __future__ import annotations


class Unfit(ValueError):
    """A value breaks a rule; `sentence` is a message of the catalogue, with its `values`."""

    def __init__(self, sentence: str, **values: str) -> None:
        super().__init__(sentence.format(**values))
        self.sentence = sentence
        self.values = values
