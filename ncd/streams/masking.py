"""What goes on in every stream is no change: times and dates, or all numbers, are masked before units are measured."""

from __future__ import annotations

from typing import Literal, get_args

from ncd.streams.base import TextUnits

__all__ = ["Mask", "check_mask", "masked"]

#: What is masked.
Mask = Literal["times", "digits", "nothing"]


def check_mask(mask: object) -> None:
    """Refuse what is no mask."""
    if mask not in ("auto", *get_args(Mask)):
        raise ValueError(f"mask is {mask!r}: choose from 'auto', {', '.join(map(repr, get_args(Mask)))}")


def masked(units: TextUnits, mask: Mask) -> TextUnits:
    r"""
    Units of the same lengths in which some digits are 0 and some letters x.

    Parameters
    ----------
    units : TextUnits
    mask : {"times", "digits", "nothing"}
        "times": times of day (``16:00``, ``16:00:18.250``), dates (``2026-11-21``, ``21/Nov/2026``, ``Sat Nov 21``,
        ``20261121``), numbers of ten and more digits (seconds since 1970), and seconds since a system's start
        (``[12.345678]``). "digits": all.

    Returns
    -------
    TextUnits

    Examples
    --------
    >>> lines = [b"Nov 21 16:00:18 host sshd[7]: port 22", b"[21/Nov/2026:16:00:18 +0000] GET /a?id=77 200"]
    >>> for line in masked(TextUnits.of(lines), "times"):
    ...     print(line.decode())
    xxx 00 00:00:00 host sshd[7]: port 22
    [00/xxx/0000:00:00:00 +0000] GET /a?id=77 200
    """
    if mask == "nothing" or not len(units):
        return units
    from ncd.kernels.stream_mask import mask_digits, mask_times

    low, high = int(units.starts[0]), int(units.ends[-1])
    data = units.data[low:high].copy()
    part = TextUnits(data, units.starts - low, units.ends - low)
    (mask_times if mask == "times" else mask_digits)(data, part.starts, part.ends)
    return part
