"""Layouts: where the elements of a tensor stand in memory, and what views make of that.

A view (transpose, slice, reshape, broadcast) computes nothing. Its declaration in the table says what it does to a
layout, in the words of this module; the planner follows views with it, and kernels then read what was viewed.
"""

from __future__ import annotations

from typing import NamedTuple

from gradtape.graph.shapes import Shape


class Layout(NamedTuple):
    """An array as part of a block of memory, counted in elements; the stride of an axis of length one is 0."""

    offset: int
    shape: Shape
    strides: tuple[int, ...]

    @classmethod
    def dense(cls, shape: Shape) -> Layout:
        """All elements one after the other, the last axis fastest."""
        strides, step = [], 1
        for n in reversed(shape):
            strides.append(step if n != 1 else 0)
            step *= n
        return cls(0, shape, tuple(reversed(strides)))

    def transpose(self, perm: tuple[int, ...]) -> Layout:
        return Layout(self.offset, tuple(self.shape[i] for i in perm), tuple(self.strides[i] for i in perm))

    def slice(self, slices: tuple[tuple[int, int, int], ...]) -> Layout:
        """(start, number, step) of each axis."""
        offset = self.offset
        if all(number for _, number, _ in slices):
            offset += sum(start * stride for (start, _, _), stride in zip(slices, self.strides, strict=True))
        strides = [
            step * stride if number != 1 else 0 for (_, number, step), stride in zip(slices, self.strides, strict=True)
        ]
        return Layout(offset, tuple(number for _, number, _ in slices), tuple(strides))

    def broadcast(self, shape: Shape) -> Layout:
        """Repeated to a shape that it broadcasts to: with stride 0."""
        return Layout(self.offset, shape, (0,) * (len(shape) - len(self.shape)) + self.strides)

    def reshape(self, shape: Shape) -> Layout | None:
        """The same elements in the same order in another shape; None if no strides can say that."""
        if 0 in shape:
            return Layout(self.offset, shape, Layout.dense(shape).strides)
        ours = [(n, stride) for n, stride in zip(self.shape, self.strides, strict=True) if n != 1]
        strides = []
        run, step = 1, 0  # what is left to hand out of a run of axes that follow each other in memory, fastest first
        for n in reversed(shape):
            if n == 1:
                strides.append(0)
                continue
            while run % n:  # this axis reaches beyond the run: the next axis must continue it
                if not ours or (run != 1 and ours[-1][1] != step * run):
                    return None
                length, stride = ours.pop()
                run, step = run * length, step if run != 1 else stride
            strides.append(step)
            run, step = run // n, step * n
        return Layout(self.offset, shape, tuple(reversed(strides)))
