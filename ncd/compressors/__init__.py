"""Text to code lengths: one family of codecs a file, found by name through the registry."""

from ncd.compressors.base import Compressor, Primed
from ncd.compressors.registry import CompressorInfo, available, get_compressor, register_compressor

__all__ = ["Compressor", "CompressorInfo", "Primed", "available", "get_compressor", "register_compressor"]
