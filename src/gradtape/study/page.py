"""Pages of HTML that need nothing else: no network and no script, light or dark as the reader has chosen, on a screen
of any width."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from gradtape.study.facts import Fact

STYLE = """
.gt{--paper:#fff;--ink:#222;--quiet:#666;--line:#ddd;--proved:#0a6b3d;--sampled:#8a5a00;
 font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);background:var(--paper);
 max-width:60rem;margin:0 auto;padding:1rem;box-sizing:border-box}
.gt h1{font-size:1.4rem;margin:.2rem 0 1rem;overflow-wrap:anywhere}
.gt h2{font-size:1rem;margin:1.4rem 0 .3rem;color:var(--quiet);font-weight:600}
.gt dl{margin:0;border-top:1px solid var(--line)}
.gt dl div{display:grid;grid-template-columns:11rem 5.5rem 1fr;gap:.2rem 1rem;padding:.45rem 0;
 border-bottom:1px solid var(--line)}
.gt dt{font-weight:600}.gt dd{margin:0;overflow-wrap:anywhere}
.gt .proved{color:var(--proved)}.gt .sampled{color:var(--sampled)}
.gt figure{margin:0}.gt svg{width:100%;height:auto;display:block}
.gt .dark{display:none}.gt .notes{color:var(--quiet);font-size:.9rem}
.gt .wide{overflow-x:auto}.gt table{border-collapse:collapse;width:100%}
.gt th,.gt td{text-align:left;vertical-align:top;padding:.45rem .8rem .45rem 0;border-bottom:1px solid var(--line);
 min-width:9rem;color:var(--ink);background:var(--paper)}
@media (max-width:40rem){.gt dl div{grid-template-columns:1fr auto}.gt dl div .said{grid-column:1/-1}}
@media (prefers-color-scheme:dark){.gt{--paper:#16181c;--ink:#e8e8e8;--quiet:#a0a4aa;--line:#33373d;--proved:#5fd39a;
 --sampled:#e9b44c}.gt .dark{display:block}.gt .light{display:none}}
"""


def whole(title: str, body: str) -> str:
    """A page of its own."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}\nbody{{margin:0}}@media (prefers-color-scheme:dark){{body{{background:#16181c}}}}</style>\n"
        f'</head>\n<body>\n<main class="gt">\n{body}\n</main>\n</body>\n</html>\n'
    )


def part(body: str) -> str:
    """The same within another page, as in a notebook."""
    return f'<style>{STYLE}</style><div class="gt">{body}</div>'


def heading(title: str) -> str:
    return f"<h1>{escape(title)}</h1>\n"


def pictures(figures: Mapping[str, Any]) -> str:
    """Figures of the same thing, by style; the reader's choice decides which is seen."""
    shown = [f'<figure class="{style}">{svg(figure, style)}</figure>' for style, figure in figures.items()]
    return "\n".join(shown) + "\n"


def svg(figure: Any, salt: str) -> str:
    """A Matplotlib figure as an element of a page; `salt` keeps the names in it apart from those of other figures."""
    from matplotlib import rc_context

    out = io.StringIO()
    with rc_context({"svg.hashsalt": salt, "svg.fonttype": "path"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Names of glyphs and of groups are the same in every figure.
    text = re.sub(r'(id="|href="#|url\(#)', lambda found: f"{found.group(1)}{salt}-", text)
    return text.replace("<svg ", '<svg role="img" aria-label="picture of the function and its derivative" ', 1)


def facts(title: str, found: Sequence[tuple[str, Fact]]) -> str:
    """A part of a report."""
    rows = [
        f'<div><dt>{escape(label)}</dt><dd class="{fact.status}" title="{escape(fact.how)}">{fact.status}</dd>'
        f'<dd class="said">{escape(fact.statement)}</dd></div>'
        for label, fact in found
    ]
    return f"<section><h2>{escape(title)}</h2>\n<dl>\n" + "\n".join(rows) + "\n</dl></section>\n"


def table(head: Sequence[str], rows: Sequence[Sequence[tuple[str, str]]]) -> str:
    """Cells of text, each with the class of its status, or none."""
    top = "".join(f"<th scope=col>{escape(cell)}</th>" for cell in head)
    lines = []
    for first, *rest in rows:
        cells = "".join(
            f'<td>{escape(text)} <small class="{kind}">{escape(kind)}</small></td>'
            if kind
            else f"<td>{escape(text)}</td>"
            for text, kind in rest
        )
        lines.append(f"<tr><th scope=row>{escape(first[0])}</th>{cells}</tr>")
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>\n'


def notes(sentences: Sequence[str]) -> str:
    return "".join(f'<p class="notes">{escape(sentence)}</p>\n' for sentence in sentences)
