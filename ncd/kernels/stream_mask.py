"""Times and dates in lines, overwritten in place: a clock that goes on is no change of a log."""

from __future__ import annotations

from typing import Any

from ncd.kernels.jit import inlined, kernel

__all__ = ["mask_digits", "mask_times"]

_LONG = 10  # digits of seconds since 1970; longer ones are of finer clocks


@inlined
def _is_digit(byte: Any) -> Any:
    return byte - 48 < 10 if byte >= 48 else False


@inlined
def _is_letter(byte: Any) -> Any:
    low = byte | 32
    return low >= 97 and low <= 122


@kernel
def _digits(data: Any, at: int, end: int) -> int:
    """How many digits there are from a place on."""
    i = at
    while i < end and _is_digit(data[i]):
        i += 1
    return i - at


@kernel
def _is_month(data: Any, at: int, end: int) -> bool:
    """Whether three letters are a month's."""
    if end - at < 3:
        return False
    word = (data[at] | 32) << 16 | (data[at + 1] | 32) << 8 | (data[at + 2] | 32)
    first_half = word in (0x6A616E, 0x666562, 0x6D6172, 0x617072, 0x6D6179, 0x6A756E)
    return first_half or word in (0x6A756C, 0x617567, 0x736570, 0x6F6374, 0x6E6F76, 0x646563)


@kernel
def _is_weekday(data: Any, at: int, end: int) -> bool:
    """Whether three letters are a weekday's."""
    if end - at < 3:
        return False
    word = (data[at] | 32) << 16 | (data[at + 1] | 32) << 8 | (data[at + 2] | 32)
    return word in (0x6D6F6E, 0x747565, 0x776564, 0x746875, 0x667269, 0x736174, 0x73756E)


@kernel
def _with_fraction(data: Any, at: int, end: int) -> int:
    """Where a number ends, with a fraction after it if there is one."""
    if at + 1 < end and (data[at] == 46 or data[at] == 44) and _is_digit(data[at + 1]):
        return at + 1 + _digits(data, at + 1, end)
    return at


@kernel
def _number_end(data: Any, at: int, n: int, end: int) -> int:
    """Where the time or date ends that begins with the `n` digits at a place; the place if there is none."""
    after = at + n
    if n >= _LONG:
        return _with_fraction(data, after, end)
    if n == 8 and (data[at] == 50 or data[at] == 49) and (data[at + 1] == 48 or data[at + 1] == 57):  # 20261121
        if after < end and data[after] == 84 and _digits(data, after + 1, end) >= 4:  # T160018
            return _with_fraction(data, after + 1 + _digits(data, after + 1, end), end)
        return after
    if after >= end:
        return at
    separator = data[after]
    if n <= 2 and separator == 32 and _is_month(data, after + 1, end):  # 21 Nov 2026
        if after + 4 < end and data[after + 4] == 32 and _digits(data, after + 5, end) == 4:
            return after + 9
        return at
    if n <= 2 and separator == 58:  # hh:mm, hh:mm:ss, hh:mm:ss.fff
        if _digits(data, after + 1, end) != 2:
            return at
        stop = after + 3
        if stop < end and data[stop] == 58 and _digits(data, stop + 1, end) == 2:
            return _with_fraction(data, stop + 3, end)
        return at if stop < end and (data[stop] == 58 or _is_letter(data[stop])) else stop
    if separator == 45 or separator == 47 or separator == 46:  # - / .
        middle = _digits(data, after + 1, end)
        if middle == 1 or middle == 2:
            second = after + 1 + middle
        elif n <= 2 and separator != 46 and _is_month(data, after + 1, end):
            second = after + 4
        else:
            second = end
        if second < end and data[second] == separator:
            last = _digits(data, second + 1, end)
            stop = second + 1 + last
            if n == 4 and (last == 1 or last == 2):
                return stop
            if n <= 2 and (last == 4 or (last == 2 and separator != 46)):
                return stop
    if n == 6:  # 261121 160018
        if separator == 32 and _digits(data, after + 1, end) == 6:
            return after + 7
        if separator == 46 and at >= 1 and data[at - 1] == 91 and _digits(data, after + 1, end) >= 3:
            return _with_fraction(data, after, end)
    if separator == 46 and _digits(data, after + 1, end) == 6 and after + 7 < end and data[after + 7] == 93:
        return after + 7  # 12.345678], seconds since the start of a system
    return at


@kernel
def _word_end(data: Any, at: int, end: int) -> int:
    """Where a date ends that begins with the letters of a month or weekday at a place; the place if there is none."""
    i = at
    if _is_weekday(data, i, end):
        i += 3
        while i < end and (data[i] == 32 or data[i] == 44):
            i += 1
        if i > at + 3 and _digits(data, i, end):  # Sat, 21 Nov 2026: the number is looked at next
            return at + 3
    if not _is_month(data, i, end):
        return at
    i += 3
    spaces = i
    while i < end and data[i] == 32:
        i += 1
    days = _digits(data, i, end)
    if i == spaces or days < 1 or days > 2 or (i + days < end and data[i + days] != 32 and data[i + days] != 44):
        return at
    return i + days


@kernel
def mask_times(data: Any, starts: Any, ends: Any) -> None:
    """Overwrite digits of times and dates by 0 and letters of theirs by x, unit by unit."""
    for unit in range(starts.size):
        end = ends[unit]
        i = starts[unit]
        before, masked = 32, -1
        while i < end:
            byte = data[i]
            stop = i
            if _is_digit(byte):
                n = _digits(data, i, end)
                if (before != 58 or masked == i - 1) and (
                    not _is_letter(before) or before == 84 or before == 116
                ):  # T of ISO 8601
                    stop = _number_end(data, i, n, end)
                if stop == i:
                    i += n
                    before = 48
                    continue
            elif _is_letter(byte):
                if not _is_letter(before) and not _is_digit(before):
                    stop = _word_end(data, i, end)
                if stop == i:
                    before = byte
                    i += 1
                    continue
            else:
                before = byte
                i += 1
                continue
            while i < stop:
                if _is_digit(data[i]):
                    data[i] = 48
                elif _is_letter(data[i]):
                    data[i] = 120
                i += 1
            before, masked = 48, stop


@kernel
def mask_digits(data: Any, starts: Any, ends: Any) -> None:
    """Overwrite every digit by 0."""
    for unit in range(starts.size):
        for i in range(starts[unit], ends[unit]):
            if _is_digit(data[i]):
                data[i] = 48
