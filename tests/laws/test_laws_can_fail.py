"""Each law finds a rule that is wrong: the table is spoilt, and the law must say so."""

import pytest

import gradtape as tf
from gradtape.graph import trace
from gradtape.graph.node import TABLE
from gradtape.ops.series import Closed
from laws import test_jets, test_laws_of_jacobians, test_laws_of_transforms
from laws.examples import differentiable, examples


def example(name):
    return next(e for e in differentiable() if e.name == name)


class Whimsical:
    """Partial derivatives that are another function each time they are asked for."""

    def __init__(self, rule):
        self.rule, self.asked = rule, 0

    def __getitem__(self, i):
        self.asked += 1
        return lambda *inputs, factor=1 + 0.01 * self.asked: self.rule[i](*inputs) * factor


def scaled(rule, i):
    """Partial derivatives of which one is 1 % too large."""
    return [(lambda *inputs, p=p: p(*inputs) * 1.01) if k == i else p for k, p in enumerate(rule)]


def backwards(*given):
    """The transpose of a running sum, summed from the wrong end."""
    ct = given[0]
    return trace.apply(TABLE["cumsum"], (ct,), given[3:])


def larger(rule):
    """A rule that gives 1 % too much."""
    return lambda *given: rule(*given) * 1.01


def unmoved(p):
    """A running sum of many along the axis of one."""
    return lambda inputs, flags, number, axis, *rest: trace.apply(p, inputs, (axis, *rest))


def bent(tangents, y, inputs, *params):
    """A tangent that is not linear in the direction."""
    return tf.math.reduce_sum(tangents[0] * tangents[0], params[0])


SPOILT = {
    "forward and reverse": (
        test_laws_of_transforms.test_forward_mode_is_the_transpose_of_reverse_mode,
        "cumsum",
        "rule",
        lambda p: backwards,
    ),
    "linear in the direction": (
        test_laws_of_transforms.test_a_tangent_is_linear_in_the_direction,
        "prod",
        "forward",
        lambda p: bent,
    ),
    "chain rule": (
        test_laws_of_transforms.test_chain_rule,
        "tanh",
        "rule",
        lambda p: Whimsical(p.rule),
    ),
    "product rule": (
        test_laws_of_transforms.test_product_rule,
        "multiply",
        "rule",
        lambda p: [p.rule[0], larger(p.rule[1])],
    ),
    "mixed partial derivatives": (
        test_laws_of_transforms.test_mixed_partial_derivatives_are_symmetric,
        "real_divide",
        "rule",
        lambda p: scaled(p.rule, 0),
    ),
    "nesting of modes": (
        test_laws_of_transforms.test_second_derivatives_agree_in_every_nesting_of_modes,
        "matmul",
        "rule",
        lambda p: [p.rule[0], larger(p.rule[1])],
    ),
    "batch and loop": (
        test_laws_of_transforms.test_a_batch_has_the_bits_of_a_loop,
        "cumsum",
        "batch",
        unmoved,
    ),
    "gradients of a batch": (
        test_laws_of_transforms.test_gradients_of_a_batch_have_the_bits_of_a_loop,
        "cumprod",
        "batch",
        unmoved,
    ),
    "a function and eager": (
        test_laws_of_transforms.test_transforms_have_the_same_bits_in_a_function,
        "sin",
        "rule",
        lambda p: Whimsical(p.rule),
    ),
    "order n from order n - 1": (
        test_jets.test_order_n_is_the_derivative_of_order_n_minus_1,
        "sin",
        "series",
        lambda p: Closed([lambda x: tf.cos(x) * 1.01]),
    ),
    "high orders": (
        test_jets.test_high_orders_of_what_does_not_work_number_by_number,
        "prod",
        "rule",
        lambda p: larger(p.rule),
    ),
    "jet and nested": (
        test_jets.test_against_nested_forward_mode,
        "sin",
        "series",
        lambda p: Closed([lambda x: tf.cos(x) * 1.01]),
    ),
    "jet in a function": (test_jets.test_the_same_bits_in_a_function, "sin", "rule", lambda p: Whimsical(p.rule)),
    "rows and columns": (
        test_laws_of_jacobians.test_rows_and_columns_of_a_jacobian,
        "cumsum",
        "rule",
        lambda p: backwards,
    ),
    "sparse and dense": (
        test_laws_of_jacobians.test_a_sparse_jacobian_is_the_dense_one,
        "cumsum",
        "depends",
        lambda p: lambda along, value, shape, params: along[0],
    ),
    "sparse and dense Hessians": (
        test_laws_of_jacobians.test_a_sparse_hessian_is_the_dense_one_and_symmetric,
        "real_divide",
        "rule",
        lambda p: scaled(p.rule, 0),
    ),
    "all transforms in a function": (
        test_laws_of_jacobians.test_all_transforms_have_the_same_bits_in_a_function,
        "sin",
        "rule",
        lambda p: Whimsical(p.rule),
    ),
}


@pytest.fixture
def afresh():
    """Nothing that is known of the right table is used for the wrong one, and the other way round."""
    examples(), differentiable()
    trace._tree.grow_anew()
    yield
    trace._tree.grow_anew()
    trace.thread.trace = trace.Trace()


@pytest.mark.usefixtures("afresh")
@pytest.mark.parametrize("name", SPOILT)
def test_a_wrong_rule_is_found(name, monkeypatch):
    law, spoilt, field, wrong = SPOILT[name]
    law(example(spoilt))
    primitive = TABLE[spoilt]
    trace._tree.grow_anew()
    monkeypatch.setattr(primitive, field, wrong(primitive))
    with pytest.raises(AssertionError):
        law(example(spoilt))
