"""Why a district or a rule was taken or left."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a candidate was taken or left; from OTHER_SUBJECT on, why a rule does not fit.

    CHANGED_SINCE is for a rule that did not fit once, and would by what is known today.
    """

    COVERS = "covers"
    FIRST_BY_CODE = "first_by_code"
    LATER_BY_CODE = "later_by_code"
    LIKELIEST = "likeliest"
    LESS_LIKELY = "less_likely"
    MOST_SPECIFIC = "most_specific"
    LESS_SPECIFIC = "less_specific"
    FIRST_IN_ORDER = "first_in_order"
    LATER_IN_ORDER = "later_in_order"
    OTHER_SUBJECT = "other_subject"
    NO_DISTRICT = "no_district"
    OTHER_DISTRICT = "other_district"
    OTHER_KIND = "other_kind"
    OTHER_ANSWER = "other_answer"
    OUTSIDE_HOURS = "outside_hours"
    OUTSIDE_DAYS = "outside_days"
    NOT_NEAR = "not_near"
    CHANGED_SINCE = "changed_since"
