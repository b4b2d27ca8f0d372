"""
Numba's simulator of CUDA with threads that wait for each other, instead of being asked in turn whether they wait.

Import it before the first kernel runs. The simulator's own loop keeps a core busy with asking, and takes three times as
long. Its rules are the same: a block goes on where all of its threads that have not ended wait.
"""

import threading

import numpy as np
from numba.cuda.simulator import kernel


class _Barrier:
    """Where the threads of a block wait for each other; one that has ended is not waited for."""

    def __init__(self, threads):
        self.running, self.waiting, self.turn, self.changed = threads, 0, 0, threading.Condition()

    def wait(self):
        with self.changed:
            self.waiting += 1
            turn = self.turn
            self._go_on()
            while turn == self.turn:
                self.changed.wait()

    def leave(self):
        with self.changed:
            self.running -= 1
            self._go_on()

    def _go_on(self):
        if self.waiting == self.running:
            self.waiting, self.turn = 0, self.turn + 1
            self.changed.notify_all()


class _Thread(kernel.BlockThread):
    """A thread of a block."""

    def run(self):
        try:
            super().run()
        finally:
            self._manager.barrier.leave()

    def syncthreads(self):
        self._manager.barrier.wait()


def _run(self, grid_point, *args):
    """All threads of a block."""
    places = list(np.ndindex(*self._block_dim))
    self.barrier = _Barrier(len(places))
    threads = [_Thread(lambda: self._f(*args), self, grid_point, place, self._debug) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for thread in threads:
        if thread.exception:
            raise thread.exception[0].with_traceback(thread.exception[1])


kernel.BlockManager.run = _run
