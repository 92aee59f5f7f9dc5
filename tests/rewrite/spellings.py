"""Formulas as people write them, by the rewrite that finds them; and how they are looked at."""

import io
import re

import gradtape as tf
from gradtape import config

exp, log, tanh, sqrt, cos, sin = tf.exp, tf.math.log, tf.tanh, tf.sqrt, tf.cos, tf.sin


def by_hand(x):
    return 1 / (1 + exp(-x))


SPELLINGS = [
    ("sigmoid", "sigmoid", by_hand),
    ("sigmoid", "sigmoid", lambda x: 1.0 / (exp(-x) + 1.0)),
    ("sigmoid", "sigmoid", lambda x: tf.math.reciprocal(1 + exp(-x))),
    ("sigmoid", "sigmoid", lambda x: (1 + exp(-x)) ** -1),
    ("sigmoid", "sigmoid", lambda x: tf.divide(1, tf.add(1, exp(tf.negative(x))))),
    ("sigmoid", "sigmoid", lambda x: exp(x) / (1 + exp(x))),
    ("sigmoid", "sigmoid", lambda x: exp(x) / (exp(x) + 1)),
    ("sigmoid", "sigmoid", lambda x: 0.5 * (1 + tanh(x / 2))),
    ("sigmoid", "sigmoid", lambda x: (tanh(0.5 * x) + 1) / 2),
    ("sigmoid", "sigmoid", lambda x: 0.5 * tanh(x * 0.5) + 0.5),
    ("sigmoid", "sigmoid", lambda x: 0.5 + tanh(x / 2) / 2),
    ("sigmoid", "falling", lambda x: 1 / (1 + exp(x))),
    ("sigmoid", "falling", lambda x: 1 - tf.sigmoid(x)),
    ("sigmoid slope", "sigmoid slope", lambda x: tf.sigmoid(x) * (1 - tf.sigmoid(x))),
    ("sigmoid slope", "sigmoid slope", lambda x: (1 - by_hand(x)) * by_hand(x)),
    ("sigmoid slope", "sigmoid slope", lambda x: by_hand(x) - by_hand(x) ** 2),
    ("tanh slope", "tanh slope", lambda x: 1 - tanh(x) ** 2),
    ("tanh slope", "tanh slope", lambda x: 1 - tanh(x) * tanh(x)),
    ("tanh slope", "tanh slope", lambda x: (1 + tanh(x)) * (1 - tanh(x))),
    ("softplus", "softplus", lambda x: log(1 + exp(x))),
    ("softplus", "softplus", lambda x: tf.math.log1p(exp(x))),
    ("log_sigmoid", "log_sigmoid", lambda x: log(tf.sigmoid(x))),
    ("log_sigmoid", "log_sigmoid", lambda x: log(by_hand(x))),
    ("expm1", "expm1", lambda x: exp(x) - 1),
    ("expm1", "expm1", lambda x: -1 + exp(x)),
    ("expm1", "-expm1", lambda x: 1 - exp(x)),
    ("log1mexp", "log1mexp", lambda x: log(1 - exp(x))),
    ("log1p", "log1p", lambda x: log(1 + x)),
    ("log1p", "log1p", lambda x: tf.math.log(tf.add(x, 1.0))),
    ("log1p", "log1p(-x)", lambda x: log(1 - x)),
    ("versine", "versine", lambda x: 1 - cos(x)),
    ("sine_ratio", "sine_ratio", lambda x: sin(x) / x),
    ("silu", "silu", lambda x: x / (1 + exp(-x))),
    ("silu", "silu", lambda x: x * tf.sigmoid(x)),
]


def differentiated(f, x, order):
    if order == 0:
        return f(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = differentiated(f, x, order - 1)
    return tape.gradient(y, x)


def results(f, points, order, on):
    with config.override(stabilise=on):
        return differentiated(f, tf.constant(points), order).numpy()


def shown(*tensors):
    text = io.StringIO()
    tf.show(list(tensors), file=text)
    return text.getvalue()


def rewritten(tensor):
    found = re.findall(r"^rewritten: (.*)$", shown(tensor), re.MULTILINE)
    return found[0] if found else ""
