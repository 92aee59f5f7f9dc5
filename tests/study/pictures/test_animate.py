"""Moving pictures, read back with Pillow."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from gradtape import study
from gradtape.errors import ArgumentError


def frames(path):
    with Image.open(path) as image:
        found, durations = [], []
        for n in range(image.n_frames):
            image.seek(n)
            found.append(np.asarray(image.convert("RGB")).astype(int))
            durations.append(image.info["duration"])
        return found, durations, image.info.get("loop")


def near(picture, colour):
    """How many pixels have about this colour."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(picture - wanted).max(axis=2) < 40).sum())


def test_a_tangent_draws_the_derivative(tmp_path):
    done = []
    study.animate_tangent("sin(x)", tmp_path / "t.gif", frames=12, seconds=1.2, progress=done.append)
    pictures, durations, loop = frames(tmp_path / "t.gif")
    assert len(pictures) == 12 and loop == 0 and durations[:-1] == [100] * 11 and durations[-1] > 1000
    assert {picture.shape for picture in pictures} == {(500, 800, 3)}
    orange = [near(picture, study.STYLES["light"].colour(1)) for picture in pictures]
    assert orange[-1] > 3 * orange[1] and all(b >= a - 150 for a, b in pairwise(orange))
    assert done == list(range(1, 13))


def test_where_there_is_no_slope_there_is_no_tangent(tmp_path):
    study.animate_tangent("log(x)", tmp_path / "t.gif", frames=5, range=(-2, 2), style="dark")
    pictures, _, _ = frames(tmp_path / "t.gif")
    green = [near(picture, study.STYLES["dark"].colour(2)) for picture in pictures]
    assert green[4] > 2 * green[0] and green[0] == green[1]  # what is in the legend remains


def test_a_descent_goes_its_way(tmp_path):
    study.animate_descent("x**2 + y**2", (2, 1), tmp_path / "d.gif", optimizer=["sgd", "adam"], steps=6)
    pictures, _, _ = frames(tmp_path / "d.gif")
    assert len(pictures) == 7
    assert all((a != b).any() for a, b in pairwise(pictures))


def test_says_what_is_wrong(tmp_path):
    with pytest.raises(ArgumentError, match="2 to 1,000 frames"):
        study.animate_tangent("x", tmp_path / "t.gif", frames=1)
    with pytest.raises(ArgumentError, match="2 to 1,000 frames"):
        study.animate_descent("x*y", (1, 1), tmp_path / "t.gif", steps=5000)
    assert not list(tmp_path.iterdir())
