"""Detectors for the tests of what surrounds a detector."""

import zlib

import numpy as np


class Chain:
    """Depends on every unit and on their order; finds a change at one unit of `one_in`."""

    def __init__(self, one_in=20):
        self.one_in, self.n_units, self.value = one_in, 0, 0

    def update_many(self, xs):
        found = []
        for x in xs:
            self.value = zlib.crc32(x if isinstance(x, bytes) else str(x).encode(), self.value)
            if self.value % self.one_in == 0:
                found.append({"unit": self.n_units, "value": self.value})
            self.n_units += 1
        return found

    def state(self):
        return {"n_units": self.n_units, "value": np.array([self.value], np.uint32)}

    def restore(self, state):
        self.n_units, self.value = state["n_units"], int(state["value"][0])

    @property
    def nbytes(self):
        return 4


def chained(units):
    """What a detector finds that is never interrupted."""
    return Chain().update_many(list(units))
