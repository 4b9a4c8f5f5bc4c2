"""The digits that a telephone number is looked up by, of which the database has an index."""

from __future__ import annotations

MIN_DIGITS = 6

# What follows a word or a sign after the number is its extension: "poste 12", "ext. 12", "#12".
NUMBER = "^([^0-9]*[0-9][^A-Za-z#]*).*$"

END_SQL = (
    f"right(regexp_replace(regexp_replace(phone, '{NUMBER}', '\\1'), '[^0-9]', '', 'g'),"
    f" {MIN_DIGITS})"
)
"""The last digits of a number that was made `plain`: however it is written, they are the same."""
