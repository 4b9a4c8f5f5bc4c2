"""Questions to other parts, whatever they end in."""

from __future__ import annotations

import pytest

from api.enquiries import Enquiry


class Panic(BaseException):
    """As of a library whose inside gives up: no Exception."""


@pytest.mark.parametrize("error", [ValueError("no"), Panic("no")])
def test_a_question_that_breaks_down_is_settled_and_asked_again(error: BaseException) -> None:
    asked = []

    def question() -> None:
        asked.append(1)
        if len(asked) == 1:
            raise error

    enquiry = Enquiry(question, kept_s=0)
    with pytest.raises(Exception, match=r"no|Panic"):
        enquiry.ask().answer()
    enquiry.ask().answer()
    assert len(asked) == 2
