"""Numbers that users give, checked: they live in `ncd.arguments`."""

from ncd.arguments import real_number, seed, whole_number, whole_numbers

__all__ = ["real_number", "seed", "whole_number", "whole_numbers"]
