"""Taylor mode as users meet it: derivatives, jet, taylor_polynomial, laplacian."""

from math import comb, factorial

import mpmath
import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError, ShapeError

EPS = np.finfo(np.float64).eps
POINTS = np.array([-1.25, 0.3, 0.75, 1.5])
SMOOTH = {
    "tanh of a product": lambda x: tf.tanh(tf.sin(x) * tf.exp(-x * x)),
    "quotient": lambda x: (1.0 + x) / (2.0 + x * x),
    "logarithm of a sum": lambda x: tf.math.log(1.0 + tf.exp(x)),
    "roots": lambda x: tf.sqrt(2.0 + tf.sin(x)) + tf.math.cbrt(3.0 + x),
    "two inputs": lambda x: tf.hypot(x, tf.cos(x)) + tf.atan2(x, 2.0 + x * x),
    "powers": lambda x: (2.0 + x * x) ** (0.5 + tf.sigmoid(x)),
    "chosen": lambda x: tf.where(x > 0.0, tf.sin(x) ** 3, tf.nn.relu(x + 9.0) * x),
    "logarithms": lambda x: tf.math.xlogy(2.0 + x, 3.0 + x * x) + tf.math.logaddexp(x, tf.sin(x)),
    "no NaN": lambda x: tf.math.multiply_no_nan(tf.exp(x), x * x) + tf.math.xlog1py(x, x * x),
    "gamma": lambda x: tf.math.lgamma(2.0 + x * x),
    "erf": lambda x: tf.math.erf(x * x) * tf.nn.gelu(x),
}


def values(tensors):
    return [t.numpy() for t in tensors]


def nested(f, x, order):
    """f, f', … by nested tapes."""
    if not order:
        return [f(x)]
    with tf.GradientTape() as tape:
        tape.watch(x)
        found = nested(f, x, order - 1)
    return [*found, tape.gradient(found[-1], x)]


def close(found, wanted, units):
    """Each to so many roundings of the largest of all points."""
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=units * EPS * max(1.0, np.abs(theirs).max()))


@pytest.mark.parametrize("name", SMOOTH)
def test_the_same_as_nested_tapes(name):
    f, x = SMOOTH[name], tf.constant(POINTS)
    close(values(tf.derivatives(f, x, 3)), values(nested(f, x, 3)), 200)


@pytest.mark.parametrize("name", SMOOTH)
def test_order_n_from_order_n_minus_1(name):
    """The derivative of the derivative of order 4, by a tape through Taylor mode and by Taylor mode in Taylor mode."""
    f, x = SMOOTH[name], tf.constant(POINTS)
    whole = values(tf.derivatives(f, x, 6))
    with tf.GradientTape() as tape:
        tape.watch(x)
        fourth = tf.derivatives(f, x, 4)[4]
    close([tape.gradient(fourth, x).numpy()], [whole[5]], 5000)
    close(values(tf.derivatives(lambda x: tf.derivatives(f, x, 4)[4], x, 2)), whole[4:7], 50000)


@pytest.mark.parametrize("name", SMOOTH)
def test_linear_and_leibniz(name):
    f, g, x, order = SMOOTH[name], tf.cos, tf.constant(POINTS), 8
    a, b = values(tf.derivatives(f, x, order)), values(tf.derivatives(g, x, order))
    close(
        values(tf.derivatives(lambda x: 2.0 * f(x) - g(x), x, order)), [2 * p - q for p, q in zip(a, b, strict=True)], 4
    )
    product = [sum(comb(n, k) * a[k] * b[n - k] for k in range(n + 1)) for n in range(order + 1)]
    close(values(tf.derivatives(lambda x: f(x) * g(x), x, order)), product, 1000)


def test_chain_rule():
    """f(g(x)) is f along the curve whose series is g's."""
    for f in SMOOTH.values():
        x = tf.constant(POINTS)
        inner = tf.derivatives(tf.sin, x, 7)
        _, found = tf.jet(f, (inner[0],), (inner[1:],))
        close(values(found), values(tf.derivatives(lambda x, f=f: f(tf.sin(x)), x, 7)[1:]), 2000)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("f", "exact", "x"),
    [
        (tf.math.log1p, mpmath.log1p, 1e-20),
        (tf.math.expm1, mpmath.expm1, 1e-20),
        (tf.tanh, mpmath.tanh, 1e-20),
        (tf.asinh, mpmath.asinh, -1e8),
        (tf.math.erfc, mpmath.erfc, 10.0),
        (tf.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), 17.0),
        (lambda x: 1 / (1 + tf.exp(-x)), lambda x: 1 / (1 + mpmath.exp(-x)), -100.0),
        (tf.tan, mpmath.tan, 1.5),
        (tf.math.lgamma, mpmath.loggamma, 3.5),
        (tf.math.log_sigmoid, lambda x: -mpmath.log1p(mpmath.exp(-x)), 30.0),
    ],
)
def test_each_derivative_is_exact_where_the_table_is(f, exact, x, dtype):
    """Of the variable itself, each order is the member of a family: |r - t| ≤ ulp(t) + |t'| ulp(x)/2."""
    at = float(np.array(x, dtype))
    found = values(tf.derivatives(f, tf.constant(at, dtype), 10))
    with mpmath.workdps(60 if 1e-5 < abs(at) < 1e5 else 400):  # mpmath takes differences, which cancel
        terms = mpmath.taylor(exact, mpmath.mpf(at), 11)
        true = [mpmath.re(c) * factorial(n) for n, c in enumerate(terms)]
    for n in range(11):
        unit = float(np.spacing(np.abs(np.array(float(true[n]), dtype))))
        moved = float(abs(true[n + 1])) * float(np.spacing(np.array(abs(at), dtype))) / 2
        assert abs(float(found[n] - float(true[n]))) <= unit + moved, n


def test_a_high_order_of_a_composed_function():
    x = np.array([-0.5, 0.25, 1.0])
    found = values(tf.derivatives(lambda x: tf.exp(tf.sin(x)), x, 30))
    with mpmath.workdps(60):
        for i, at in enumerate(x):
            inner = mpmath.taylor(mpmath.sin, mpmath.mpf(at), 30)
            terms, sizes = [mpmath.exp(inner[0])], [mpmath.exp(inner[0])]
            for k in range(1, 31):  # k vₖ = Σ j uⱼ vₖ₋ⱼ, and the same of the sizes of all terms
                terms.append(sum(j * inner[j] * terms[k - j] for j in range(1, k + 1)) / k)
                sizes.append(sum(j * abs(inner[j]) * sizes[k - j] for j in range(1, k + 1)) / k)
            for k in range(31):
                allowed = 4 * (k + 1) * EPS * sizes[k] * factorial(k)
                assert abs(found[k][i] - terms[k] * factorial(k)) <= allowed, (at, k)


def test_jet_of_several_arguments_in_jax_convention():
    value, slopes = tf.jet(lambda x, y: {"product": x * y, "sum": [x + y]}, (2.0, 3.0), ([1.0, 4.0, 0.0], [5.0]))
    assert value["product"].numpy() == 6 and value["sum"][0].numpy() == 5
    assert [s.numpy() for s in slopes["product"]] == [13, 22, 60]  # (2 + t + 2t²)(3 + 5t)
    assert [s.numpy() for s in slopes["sum"][0]] == [6, 4, 0]


def test_series_may_be_tensors_arrays_and_numbers_and_are_differentiated():
    d = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(d)
        _, (first, second) = tf.jet(lambda x: x**3, ([1.0, 2.0],), ([d, np.zeros(2, np.float32)],))
    assert first.numpy().tolist() == [3, 24] and second.numpy().tolist() == [6, 48]  # 6 x d²
    assert tape.gradient(second, d).numpy().tolist() == [12, 48]


def test_pieces_choose_the_branch_and_leave_the_other_alone():
    x = np.array([-2.0, 0.5, 7.0], np.float32)
    assert [d.tolist() for d in values(tf.derivatives(tf.nn.relu, x, 2))] == [[0, 0.5, 7], [0, 1, 1], [0, 0, 0]]
    assert values(tf.derivatives(tf.nn.relu6, x, 1))[1].tolist() == [0, 1, 0]
    found = values(tf.derivatives(lambda x: tf.where(x > 0.0, tf.math.log(x), 0.0), x, 4))
    assert [d[0] for d in found] == [0] * 5  # log has no derivative at -2


def test_sort_sums_and_matrices():
    x = np.array([3.0, 1.0, 2.0])
    _, (first, second) = tf.jet(lambda x: tf.sort(x * x), (x,), ([np.ones(3), np.zeros(3)],))
    assert first.numpy().tolist() == [2, 4, 6] and second.numpy().tolist() == [2, 2, 2]
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    b = np.array([[0.0, 1.0], [1.0, 1.0]])
    _, (first, second) = tf.jet(lambda a: tf.matmul(a, a), (a,), ([b, np.zeros((2, 2))],))
    np.testing.assert_array_equal(first.numpy(), a @ b + b @ a)
    np.testing.assert_array_equal(second.numpy(), 2 * b @ b)
    _, slopes = tf.jet(tf.reduce_prod, (np.array([0.0, 2.0, 3.0]),), ([np.ones(3), np.zeros(3), np.zeros(3)],))
    assert [s.numpy() for s in slopes] == [6, 10, 6]  # t (2 + t)(3 + t)
    _, slopes = tf.jet(tf.reduce_max, (np.array([1.0, 2.0]),), ([np.array([5.0, 3.0]), np.array([1.0, 2.0])],))
    assert [s.numpy() for s in slopes] == [3, 2]


def test_rules_of_users_are_respected():
    @tf.custom_jvp
    def doubled(x):
        return tf.sin(x)

    doubled.defjvp(lambda primals, tangents: (tf.sin(primals[0]), 2.0 * tf.cos(primals[0]) * tangents[0]))
    found = values(tf.derivatives(lambda x: doubled(x * x), tf.constant(0.5), 2))
    at, s, c = 0.5, np.sin(0.25), np.cos(0.25)
    np.testing.assert_allclose(found, [s, 4 * at * c, 4 * c - 8 * at * at * s], rtol=4e-7)

    @tf.custom_gradient
    def softplus(x):
        e = tf.exp(x)
        return tf.math.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))

    for ours, theirs in zip(tf.derivatives(softplus, 1.0, 5), tf.derivatives(tf.nn.softplus, 1.0, 5), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


def test_loops_and_traced_functions():
    def newton(a):
        x = a
        for _ in range(6):
            x = (x + a / x) / 2.0
        return x

    def looped(a):
        return tf.while_loop(lambda x, i: i < 6, lambda x, i: ((x + a / x) / 2.0, i + 1), (a, 0))[0]

    wanted = values(tf.derivatives(tf.sqrt, np.array(2.0), 3))
    for f in (newton, looped, tf.function(newton)):
        np.testing.assert_allclose(values(tf.derivatives(f, np.array(2.0), 3)), wanted, rtol=50 * EPS)
    staged = tf.function(lambda x: tf.derivatives(newton, x, 3))
    np.testing.assert_array_equal(values(staged(tf.constant(2.0))), values(tf.derivatives(newton, tf.constant(2.0), 3)))


def test_what_f_knows_from_elsewhere_is_a_constant():
    x = tf.constant(3.0)
    assert tf.derivatives(lambda y: x * y, x, 1)[1].numpy() == 3
    inner = tf.derivatives(lambda y: y * tf.derivatives(lambda z: y + z, 2.0, 1)[1], x, 1)
    assert inner[1].numpy() == 1  # z ↦ y + z has the slope 1, not 2
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.derivatives(lambda z: tf.sin(z * x), x, 1)[1]  # x cos(x z) at z = x
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), np.cos(9) - 18 * np.sin(9), rtol=1e-6)


def test_asked_again_with_other_numbers():
    def f(c, x):
        return tf.derivatives(lambda y: c / (c + tf.exp(-y)), x, 2)[2].numpy()

    alone = [f(c, np.float32(0.7)) for c in (1.0, 2.0, 1.0, 3.0)]
    assert alone[0] == alone[2] == tf.derivatives(tf.sigmoid, np.float32(0.7), 2)[2].numpy()
    for c, found in zip((1.0, 2.0, 1.0, 3.0), alone, strict=True):
        e = mpmath.exp(-mpmath.mpf(0.7))
        assert abs(found / (c * e * (e - c) / (c + e) ** 3) - 1) < 1e-6


def test_all_orders_are_one_pass():
    x = tf.constant(np.linspace(-2, 2, 1000, dtype=np.float32))
    with tf.config.override(tier="fused"), tf.profile() as measured:
        found = tf.derivatives(SMOOTH["tanh of a product"], x, 10)
        values(found)
    assert [kernel.calls for kernel in measured.kernels] == [1]


def test_shapes_types_and_constants():
    for x in (2.0, np.float64(2), [2.0], tf.constant([[2.0]]), tf.Variable(2.0), np.float16(2)):
        found = tf.derivatives(tf.square, x, 3)
        assert all(d.shape == found[0].shape and d.dtype == found[0].dtype for d in found)
        assert [float(np.ravel(d.numpy())[0]) for d in found] == [4, 4, 2, 0]
    assert [d.numpy().tolist() for d in tf.derivatives(lambda x: 3.0, [1.0, 2.0], 1)] == [[3, 3], [0, 0]]
    assert tf.derivatives(lambda t: tf.stack([tf.sin(t), t * t]), 0.0, 2)[2].numpy().tolist() == [0, 2]
    assert len(tf.derivatives(tf.sin, 1.0, 0)) == 1


def test_says_what_is_wrong():
    with pytest.raises(ArgumentError, match="0 to 100"):
        tf.derivatives(tf.sin, 1.0, 101)
    with pytest.raises(DTypeError, match="no derivative"):
        tf.derivatives(tf.square, tf.constant(3))
    with pytest.raises(ShapeError, match="there is jet"):
        tf.derivatives(tf.reduce_sum, [1.0, 2.0])
    with pytest.raises(ArgumentError, match="returned None"):
        tf.derivatives(lambda x: None, 1.0)
    with pytest.raises(ArgumentError, match="use jet for several results"):
        tf.derivatives(lambda x: (x, x), 1.0)
    with pytest.raises(ArgumentError, match="a series for each primal"):
        tf.jet(tf.sin, (1.0, 2.0), ([1.0],))
    with pytest.raises(ShapeError, match="derivative 1 of primal 0"):
        tf.jet(tf.sin, ([1.0, 2.0],), ([[1.0, 2.0, 3.0]],))


def test_a_polynomial_next_to_a_point():
    p = tf.taylor_polynomial(tf.exp, np.array(1.0), 12)
    assert p.order == 12 and len(p.coefficients) == 13
    for k, c in enumerate(p.coefficients):
        assert abs(c.numpy() - np.e / factorial(k)) <= 2 * EPS * np.e / factorial(k)
    x = np.array(1.25)
    remainder = np.exp(x) * 0.25**13 / factorial(13)  # Lagrange's
    assert abs(p(x).numpy() - np.exp(x)) <= remainder + 4 * EPS * np.exp(x)


class TestLaplacian:
    @staticmethod
    def by_hessian(f, x):
        rows = []
        for d in np.eye(x.size):
            _, (_, second) = tf.jet(f, (x,), ([d.reshape(x.shape), np.zeros(x.shape)],))
            rows.append(second.numpy())
        return sum(rows)

    @pytest.mark.parametrize(
        "f",
        [
            lambda x: tf.reduce_sum(x**3),
            lambda x: tf.reduce_prod(x) * tf.reduce_max(x * x),
            lambda x: tf.reduce_logsumexp(tf.sin(x) * x),
            lambda x: tf.norm(tf.reshape(x, [2, 2]) @ tf.reshape(x, [2, 2])),
            lambda x: tf.where(x[0] > 0.0, x[1] ** 3 / x[0], x[2]) * tf.ones([3], tf.float64),
            lambda x: tf.reduce_sum(tf.sort(x * x)[1:]),
            lambda x: tf.reduce_sum(tf.stop_gradient(x) * x) + tf.tanh(x[1] * x[2]),
        ],
    )
    def test_is_the_sum_of_second_derivatives(self, f):
        x = np.array([0.5, -1.25, 0.75, 2.0])
        wanted = self.by_hessian(f, x)
        np.testing.assert_allclose(tf.laplacian(f)(x).numpy(), wanted, rtol=200 * EPS, atol=200 * EPS)

    def test_values_are_computed_once(self):
        def f(x):
            return tf.reduce_sum(tf.sin(x[:, None] * x))

        x = tf.constant(np.linspace(0.1, 1, 20))
        found = tf.laplacian(f)(x)
        with tf.profile() as measured:
            found.numpy()
        assert sum("sin" in kernel.label for kernel in measured.kernels) <= 2

    def test_differentiates_and_composes(self):
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.laplacian(lambda x: tf.reduce_sum(x**4))(x)
        assert y.numpy() == 60 and tape.gradient(y, x).numpy().tolist() == [24, 48]
        again = tf.laplacian(tf.laplacian(lambda x: tf.reduce_sum(x**4)))
        assert again(x).numpy() == 48
        assert tf.laplacian(lambda x: tf.reduce_sum(x))(x).numpy() == 0

    def test_is_a_value(self):
        assert tf.laplacian(tf.reduce_sum) == tf.laplacian(tf.reduce_sum)

    def test_says_what_is_wrong(self):
        with pytest.raises(ArgumentError, match="returns one Tensor"):
            tf.laplacian(lambda x: 3.0)([1.0])
