"""Expressions that people type: text → `Expression`, a function of Tensors. Nothing that is typed is ever executed.

scan         what can be said about the text before it is parsed: characters, typos, size
vocabulary   the words: functions of the table, operators, constants
names        which variables a text has
parser       Python's grammar, with a whitelist → steps
expression   runs the steps on Tensors
"""

from gradtape.text.expression import Expression
from gradtape.text.parser import number, parse

__all__ = ["Expression", "number", "parse"]
