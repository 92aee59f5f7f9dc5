"""A threaded copy that moves as many bytes as the elementwise work: how fast memory is, for comparison."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from systems import LeftOut


class System:
    def __init__(self, mode):
        self.threads = os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()
        self.pool = ThreadPoolExecutor(self.threads)

    def sigmoid(self, size):
        """x is read, y and its gradient are written: three arrays move, half of them are read here and half written."""
        if size < 1_000_000:
            raise LeftOut("memory is not what limits small arrays")
        source = np.ones(3 * size // 2, np.float32)
        target = np.zeros_like(source)
        parts = [*zip(np.array_split(target, self.threads), np.array_split(source, self.threads), strict=True)]

        def work():
            list(self.pool.map(lambda part: np.copyto(*part), parts))
            return []

        return work
