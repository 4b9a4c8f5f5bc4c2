"""Telephone numbers as people write them: finding somebody by one of theirs."""

from __future__ import annotations

import re
import unicodedata

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from reports.phone_ends import MIN_DIGITS, NUMBER


def plain(phone: str) -> str:
    """Return the number with the digits and signs that telephones have, whatever the script."""
    digits = (str(unicodedata.digit(sign, sign)) for sign in unicodedata.normalize("NFKC", phone))
    return "".join(digits)


def is_number(phone: str) -> bool:
    """Tell whether there are digits enough to find somebody by."""
    return len(_digits(phone)) >= MIN_DIGITS


def end(phone: str) -> str:
    """Return what END_SQL gives of the same number."""
    return _digits(phone)[-MIN_DIGITS:]


def bare(phone: str) -> str:
    """Return the digits without what only dials."""
    return _number(phone)[1]


def same_number(one: str, other: str) -> bool:
    """Tell whether two numbers are the same, one of them perhaps without its country's code.

    Two extensions of one number are two people's.
    """
    extensions = {_extension(one), _extension(other)} - {""}
    if len(extensions) > 1:
        return False
    (abroad, longer), (home, shorter) = sorted((_number(one), _number(other)), reverse=True)
    if abroad == home:
        return longer == shorter
    code = longer.removesuffix(shorter)
    return code.isdecimal() and longer != code and int(code) in COUNTRY_CODE_TO_REGION_CODE


def _number(phone: str) -> tuple[bool, str]:
    """Return whether the country's code comes first, and the digits without what only dials."""
    digits = _digits(phone.replace("(0)", ""))
    if re.match(r"[^0-9]*\+", plain(phone)):
        return True, digits
    if digits.startswith("00"):
        return True, digits[2:]
    return False, digits.removeprefix("0")


def _digits(phone: str) -> str:
    return re.sub("[^0-9]", "", re.sub(NUMBER, r"\1", plain(phone), flags=re.DOTALL))


def _extension(phone: str) -> str:
    written = re.sub("[^0-9]", "", plain(phone))
    return written.removeprefix(_digits(phone))
