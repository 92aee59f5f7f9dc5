"""Draws the pictures of docs/plots.md again, into docs/pictures: python3 tools/pictures.py"""

from __future__ import annotations

from pathlib import Path

import matplotlib
from PIL import Image

from gradtape import study

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
COLOURS = 160
"""In a PNG: enough for smooth edges, in a file of a third of the size."""

FOUR = ["sigmoid", "tanh", "relu", "gelu"]

PICTURES = {
    "derivatives.svg": lambda: study.plot("sin(x)**2", order=3),
    "marks.svg": lambda: study.plot("gelu(x)", mark=True, saturation=0.01),
    "tangent.svg": lambda: study.plot("exp(x)", tangent=1, range=(-2, 3)),
    "taylor.svg": lambda: study.plot("sin(x)", taylor=0, terms=7, range=(-6, 6)),
    "poles.svg": lambda: study.plot("tan(x)", order=0, mark=True),
    "oscillation.svg": lambda: study.plot("sin(1/x)", order=0, range=(-0.3, 0.3)),
    "jumps.svg": lambda: study.plot("x - floor(x)", order=0, range=(-2.5, 2.5)),
    "compare.svg": lambda: study.compare(FOUR),
    "depth.svg": lambda: study.depth(FOUR),
    "field.png": lambda: study.field("x**3 - 3*x + y**2", range=(-2, 2)),
    "surface.png": lambda: study.surface("x**3 - 3*x + y**2", range=(-2, 2)),
    "descent.png": lambda: study.descent(
        "(1-x)**2 + 100*(y-x**2)**2", (-1.2, 1), optimizer=["sgd", "momentum", "adam"], rate=0.001, steps=500
    ),
    "regression.png": lambda: study.regression(rate=0.05, steps=60, optimizer=["sgd", "momentum"]),
    "accuracy.png": lambda: study.accuracy("exp(x) - cos(x)", order=0, domain=(-1, 1)).plot(),
    "grey.svg": lambda: study.plot("sin(x)**2", order=3, style="grey"),
    "dark.svg": lambda: study.plot("sin(x)**2", order=3, style="dark"),
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "gradtape"}):  # the same bytes each time
        for name, draw in PICTURES.items():
            metadata = {"Date": None} if name.endswith(".svg") else {"Software": None}
            draw().savefig(FOLDER / name, metadata=metadata, dpi=90)
            if name.endswith(".png"):
                with Image.open(FOLDER / name) as image:
                    few = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
                few.save(FOLDER / name, optimize=True)
    study.animate_tangent("sin(x)", FOLDER / "tangent.gif", frames=40, seconds=4)
    study.animate_descent("x**2 + 10*y**2", (4, 1), FOLDER / "descent.gif", optimizer=["sgd", "momentum"], rate=0.08)
    for file in sorted(FOLDER.iterdir()):
        print(f"{file.name:20} {file.stat().st_size:9,}")
    print(f"{'together':20} {sum(file.stat().st_size for file in FOLDER.iterdir()):9,}")


if __name__ == "__main__":
    main()
