"""softmax, its logarithms and norms: near mpmath, also where numbers are large, infinite or dominated by one."""

from functools import partial

import mpmath as mp
import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError, ShapeError

mp.mp.dps = 60
INF = np.inf
ONCE = 0.53
"""The largest error in ulps of what is rounded once: a half, and that of what is rounded, which has eight bits more."""
TWICE = 0.78
"""The same of a subnormal number, which is rounded to 53 bits first, and then to fewer: a quarter more at most."""
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])


def gradient(f, x, weights=None):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x, output_gradients=weights).numpy()


def ulps(result, true, dtype):
    """The largest error of numbers, in units in the last place of the true ones."""
    pairs = zip(np.ravel(result), np.ravel(true), strict=True)
    return max(
        float(abs(mp.mpf(float(r)) - t) / mp.mpf(float(np.spacing(np.abs(np.dtype(dtype).type(t)))))) for r, t in pairs
    )


def truth(row):
    """exp(x - m), their sum, and the sum of all but the largest one."""
    x = [mp.mpf(float(v)) for v in row]
    terms = [mp.exp(v - max(x)) for v in x]
    return x, terms, mp.fsum(terms), mp.fsum(sorted(terms)[:-1])


@pytest.fixture(params=[(1, 3), (3, 10), (10, 100), (30, 10)], ids=str)
def logits(request):
    spread, length = request.param
    return spread * np.random.default_rng(length).standard_normal((6, length))


@BOTH
def test_softmax_and_its_logarithms(logits, dtype):
    x = tf.constant(logits.astype(dtype))
    bound = ONCE
    share, logarithm = tf.nn.softmax(x).numpy(), tf.nn.log_softmax(x).numpy()
    slope = gradient(lambda x: tf.reduce_logsumexp(x, axis=-1), x)
    for i, row in enumerate(x.numpy()):
        at, terms, total, rest = truth(row)
        true = [e / total for e in terms]
        assert ulps(share[i], true, dtype) <= bound
        assert ulps(slope[i], true, dtype) <= bound
        assert ulps(logarithm[i], [v - max(at) - mp.log1p(rest) for v in at], dtype) <= bound


@BOTH
def test_logsumexp(logits, dtype):
    x = tf.constant(logits.astype(dtype))
    values = tf.reduce_logsumexp(x, axis=1).numpy()
    for value, row in zip(values, x.numpy(), strict=True):
        at, _, _, rest = truth(row)
        true = max(at) + mp.log1p(rest)
        cancelled = np.spacing(np.max(np.abs(row))) / np.spacing(np.abs(value))
        assert ulps(value, true, dtype) <= ONCE + (2.0**-29 if dtype == "float32" else 2.0**-8) * cancelled


@BOTH
def test_the_small_terms_beside_a_large_one_are_kept(dtype):
    x = tf.constant([0.0, -50.0], dtype)
    small = np.array(mp.exp(-50), dtype)
    assert tf.reduce_logsumexp(x).numpy() == pytest.approx(small, rel=1e-6)
    assert tf.nn.log_softmax(x).numpy() == pytest.approx([-small, -50.0], rel=1e-6)


@BOTH
def test_the_gradient_of_softmax_sums_to_zero(logits, dtype):
    x = tf.constant(logits.astype(dtype))
    weights = np.random.default_rng(1).standard_normal(logits.shape).astype(dtype)
    slopes = gradient(tf.nn.softmax, x, tf.constant(weights)).astype(np.float64)
    assert np.all(np.abs(slopes.sum(axis=1)) <= 4 * float(np.finfo(dtype).eps) * np.abs(weights).max())
    for slope, row, ct in zip(slopes, x.numpy(), weights, strict=True):
        _, terms, total, _ = truth(row)
        mean = mp.fsum(e * float(w) for e, w in zip(terms, ct, strict=True)) / total
        true = [float(e / total * (float(w) - mean)) for e, w in zip(terms, ct, strict=True)]
        assert slope == pytest.approx(true, rel=4 * float(np.finfo(dtype).eps), abs=2**-50)


def test_infinite_logits():
    x = tf.constant([[INF, 0, 1], [INF, INF, -INF], [-INF] * 3, [-INF, 2, 2], [3e38, -3e38, 3e38]])
    third = 1 / 3
    assert tf.nn.softmax(x).numpy() == pytest.approx(
        np.array([[1, 0, 0], [0.5, 0.5, 0], [third] * 3, [0, 0.5, 0.5], [0.5, 0, 0.5]])
    )
    two = np.float32(np.log(2))
    assert tf.reduce_logsumexp(x, axis=1).numpy().tolist() == [INF, INF, -INF, 2 + two, np.float32(3e38)]
    assert tf.nn.log_softmax(x).numpy()[0].tolist() == [0, -INF, -INF]
    assert tf.nn.log_softmax(x).numpy()[3].tolist() == [-INF, -two, -two]
    for f in (tf.nn.softmax, tf.nn.log_softmax, lambda x: tf.reduce_logsumexp(x, axis=1)):
        assert np.all(np.isfinite(gradient(f, x)))
    assert np.all(np.isnan(tf.nn.softmax([np.nan, 0.0, 1.0]).numpy()))


def test_equal_largest_elements_keep_their_own_gradients():
    x = tf.constant([[1.0, 1.0, 0.0]], tf.float64)
    share = tf.nn.softmax(x).numpy()[0]
    for i in range(3):
        weights = tf.constant(np.eye(3)[i : i + 1])
        assert gradient(tf.nn.softmax, x, weights)[0] == pytest.approx(share[i] * (np.eye(3)[i] - share), rel=1e-14)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), None])
def test_axes(axis):
    x = np.random.default_rng(0).standard_normal((3, 4, 5))
    for keepdims in (False, True):
        expected = np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))
        result = tf.reduce_logsumexp(x, axis=axis, keepdims=keepdims).numpy()
        assert result.shape == expected.shape
        assert result == pytest.approx(expected, rel=1e-14)
    if isinstance(axis, int):
        share = np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)
        assert tf.nn.softmax(x, axis).numpy() == pytest.approx(share, rel=1e-14)
        assert tf.nn.log_softmax(x, axis=axis).numpy() == pytest.approx(np.log(share), rel=1e-13)


def test_second_derivatives():
    x = tf.constant(np.random.default_rng(0).standard_normal(5))
    share = tf.nn.softmax(x).numpy()
    direction = np.random.default_rng(1).standard_normal(5)
    curvature = gradient(lambda x: tf.reduce_sum(tf_gradient(tf.reduce_logsumexp, x) * direction), x)
    assert curvature == pytest.approx(share * (direction - share @ direction), rel=1e-13)
    flat = tf.constant([INF, 0.0])
    assert gradient(lambda x: tf_gradient(tf.reduce_logsumexp, x)[0], flat).tolist() == [0, 0]


def tf_gradient(f, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x)


def test_softmax_is_three_passes(capsys):
    tf.show(tf.nn.softmax(np.ones((1000, 100), np.float32)))
    shown = capsys.readouterr().out
    assert "plan: 3 kernels" in shown
    assert "writes r0: float32[1000]\n" in shown, "the operand is not stored again as float64"


def test_what_is_refused():
    with pytest.raises(DTypeError, match="softmax works on float tensors"):
        tf.nn.softmax([1, 2])
    with pytest.raises(ShapeError):
        tf.nn.softmax([1.0, 2.0], axis=1)
    with pytest.raises(ArgumentError, match="positive numbers"):
        tf.norm([1.0], ord=-1)
    with pytest.raises(ArgumentError, match="for matrices"):
        tf.norm([[1.0]], ord=2, axis=(0, 1))


# -- norms ----------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("size", [1.0, 1e-38, 1e38, 1e-300, 1e300])
@pytest.mark.parametrize("order", ["euclidean", 2, 1, INF, 3, 2.5])
def test_norm_of_any_size(order, size, dtype):
    if dtype == "float32" and not 1e-40 < size < 1e40:
        pytest.skip("outside float32")
    x = (size * np.array([[0.3, -0.4, 0.2], [0.1, 0.0, -0.9]])).astype(dtype)
    exact = x.astype(np.float64) / size
    p = 2 if order == "euclidean" else order
    expected = np.linalg.norm(exact, p, axis=1)
    eps = 4 * float(np.finfo(dtype).eps)
    assert tf.norm(x, order, axis=1).numpy() / size == pytest.approx(expected, rel=eps)
    if p == INF:
        slope = np.where(np.abs(exact) == expected[:, None], np.sign(exact), 0)
    else:
        slope = np.sign(exact) * (np.abs(exact) / expected[:, None]) ** (p - 1)
    assert gradient(lambda x: tf.norm(x, order, axis=1), tf.constant(x)) == pytest.approx(slope, rel=eps)


@BOTH
@pytest.mark.parametrize("order", ["euclidean", 1, INF, 3])
def test_norm_has_gradient_zero_at_zero(order, dtype):
    x = tf.constant([0.0, 0.0], dtype)
    assert tf.norm(x, order).numpy() == 0
    assert gradient(lambda x: tf.norm(x, order), x).tolist() == [0, 0]
    if order in ("euclidean", 3):  # the others have none
        assert gradient(lambda x: tf_gradient(lambda x: tf.norm(x, order), x), x).tolist() == [0, 0]


def test_norms_of_matrices():
    x = np.random.default_rng(0).standard_normal((3, 4, 5))
    for order, numpys in [("euclidean", "fro"), ("fro", "fro"), (1, 1), (INF, INF)]:
        for axis in [(0, 1), (2, 0), (-1, 1)]:
            expected = np.linalg.norm(x, numpys, axis=axis, keepdims=True)
            assert tf.norm(x, order, axis, keepdims=True).numpy() == pytest.approx(expected, rel=1e-14)


def test_norm_of_infinite_elements():
    assert tf.norm([INF, 1.0]).numpy() == INF
    assert tf.norm(np.array([-INF, 1.0])).numpy() == INF
    assert np.isnan(tf.norm([np.nan, 1.0]).numpy())


@BOTH
def test_the_gradient_of_a_norm_by_an_infinite_element_is_nan_and_zero_by_the_others(dtype):
    for row in ([INF, 1.0], [INF, INF], [1.0, -INF, 0.0]):
        slope = gradient(tf.norm, tf.constant(row, dtype))
        np.testing.assert_array_equal(slope, np.where(np.isinf(row), np.nan, 0))


@BOTH
def test_l2_normalize(dtype):
    x = tf.constant([[3.0, 4.0], [0.0, 0.0], [3e30, 4e30]], dtype)
    assert tf.math.l2_normalize(x, axis=1).numpy() == pytest.approx(
        np.array([[0.6, 0.8], [0, 0], [0.6, 0.8]]), rel=1e-6
    )
    slope = gradient(lambda x: tf.math.l2_normalize(x, axis=1)[0, 0], x)
    assert slope == pytest.approx(np.array([[0.128, -0.096], [0, 0], [0, 0]]), rel=1e-6)
    assert tf.nn.l2_normalize([1.0, 0.0], epsilon=4.0).numpy().tolist() == [0.5, 0]


# -- the gradient of a row with one dominant element ----------------------------------------------------------

DOMINATED = [[gap, 0.0, 0.5, -1.0] for gap in (3.0, 12.0, 20.0, 37.0, 45.0, 80.0)]
EVEN = [[0.001, 0.0, -0.002, 0.0005], [5.0, 5.0, 0.0, 0.0], [2.0, -1.0, 1.5, 0.3], [1e4, 9999.0, 9990.0, 1.0]]
WEIGHTS = [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.3, -1.2, 0.7, 2.0], [1.0, 1.0, 1.0, -1.0]]


def mixed_error(kind, x, w, result, dtype):
    """The largest error in units of an ulp of the result and what half an ulp of each logit and weight moves it."""
    x, w = ([mp.mpf(float(v)) for v in one] for one in (x, w))
    _, terms, total, _ = truth(x)
    p, every = [e / total for e in terms], range(len(x))

    def half(v):
        return mp.mpf(float(np.spacing(np.dtype(dtype).type(abs(v))))) / 2

    worst = mp.mpf(0)
    for i in every:
        rest = mp.fsum(p[k] for k in every if k != i)  # 1 - p
        if kind == "softmax":
            t = p[i] * mp.fsum(p[k] * (w[i] - w[k]) for k in every if k != i)
            mean = mp.fdot(p, w)
            by_x = [(t if k == i else 0) - p[i] * p[k] * (w[i] + w[k] - 2 * mean) for k in every]
            by_w = [p[i] * (rest if k == i else -p[k]) for k in every]
        else:
            t = w[i] * rest - p[i] * mp.fsum(w[k] for k in every if k != i)
            by_x = [mp.fsum(w) * p[i] * (rest if k == i else -p[k]) for k in every]
            by_w = [rest if k == i else -p[i] for k in every]
        moved = mp.fsum(abs(a) * half(v) for a, v in zip(by_x + by_w, x + w, strict=True))
        worst = max(worst, abs(mp.mpf(float(result[i])) - t) / (2 * half(t) + moved))
    return float(worst)


@BOTH
@pytest.mark.parametrize("kind", ["softmax", "log_softmax"])
@pytest.mark.parametrize("w", WEIGHTS, ids=str)
@pytest.mark.parametrize("x", DOMINATED + EVEN, ids=str)
def test_no_digit_is_lost_to_one_minus_a_share(x, w, kind, dtype):
    x, w = np.array(x, dtype), np.array(w, dtype)
    slope = gradient(getattr(tf.nn, kind), tf.constant(x), tf.constant(w))
    assert mixed_error(kind, x, w, slope, dtype) <= (0.51 if dtype == "float32" or kind == "softmax" else 2)
    assert abs(sum(map(mp.mpf, map(float, slope)))) <= 4 * np.spacing(np.max(np.abs(w)))  # zero, to rounding


@BOTH
@pytest.mark.parametrize("gap", [12.0, 20.0, 37.0, 80.0])
def test_the_gradient_of_a_cross_entropy_that_is_nearly_met(gap, dtype):
    logits, rest = tf.constant([[gap, 0.0, 0.5]], dtype), mp.exp(-gap) + mp.exp(0.5 - gap)
    true = [-rest / (1 + rest), mp.exp(-gap) / (1 + rest), mp.exp(0.5 - gap) / (1 + rest)]
    labels = tf.constant([[1.0, 0.0, 0.0]], dtype)
    for loss in (
        lambda x: tf.nn.softmax_cross_entropy_with_logits(labels, x),
        lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits([0], x),
    ):
        assert ulps(gradient(loss, logits), [true], dtype) <= (0.51 if dtype == "float32" else 2)


@pytest.mark.parametrize("kind", ["softmax", "log_softmax"])
def test_every_mode_has_the_same_derivatives(kind):
    f = getattr(tf.nn, kind)
    x, t = tf.constant([[3.0, 0.0, 0.5], [40.0, 0.0, 1.0]], "float64"), tf.constant([[1.0, -2.0, 0.5]] * 2, "float64")
    _, forward = tf.jvp(f, (x,), (t,))
    weights = tf.constant(np.eye(3)[:, None, :] * np.ones((3, 2, 1)))
    reverse = np.stack([(gradient(f, x, w) * t.numpy()).sum(1) for w in weights], 1)
    np.testing.assert_allclose(forward.numpy(), reverse, rtol=1e-13)
    np.testing.assert_array_equal(tf.vmap(f)(x).numpy(), f(x).numpy())
    rows = tf.vmap(lambda row: tf.grad(lambda r: tf.reduce_sum(f(r) * t[0]))(row))(x)
    np.testing.assert_allclose(rows.numpy(), gradient(f, x, t), rtol=1e-13)
    second = tf.grad(lambda x: tf.reduce_sum(tf.grad(lambda x: tf.reduce_sum(f(x) * t))(x) * t))(x).numpy()
    step = 1e-4
    up, down = (gradient(f, tf.constant(x.numpy() + s * t.numpy()), t) for s in (step, -step))
    np.testing.assert_allclose(second[0], ((up - down) / (2 * step))[0], rtol=1e-6)


# -- float64 is rounded once ----------------------------------------------------------------------------------


def float64_rows():
    """Rows by what is difficult about them, some of each of a few lengths."""
    rng = np.random.default_rng(5)
    makers = {
        "ordinary": lambda n: rng.normal(0, rng.choice([0.1, 1.0, 10.0]), n),
        "nearly even": lambda n: 0.3 + rng.normal(0, rng.choice([1e-12, 1e-6, 0.01]), n),
        "even": lambda n: np.full(n, rng.normal(0, 1)),
        "two masses": lambda n: rng.choice(rng.normal(0, 2, 2), n),
        "spread": lambda n: rng.uniform(-370, 370, n),
        "large": lambda n: 1e4 + rng.normal(0, rng.choice([1.0, 1e4]), n),
        "one dominant": lambda n: rng.normal(0, 1, n) + np.where(np.arange(n) == n // 2, rng.uniform(3, 50), 0),
        "with -inf": lambda n: np.where(np.arange(n) % 3 == 1, -INF, rng.normal(0, 3, n)),
        "subnormal": lambda n: rng.integers(-1000, 1000, n) * 5e-324,
        "shares of many exponents": lambda n: -np.arange(n) * 745.5 / n,
    }
    return {name: [make(n) for n in (1, 2, 3, 5, 8, 17, 40) for _ in range(2)] for name, make in makers.items()}


ROWS = float64_rows()


def errors(results, true):
    """Errors in ulps of normal results, and of subnormal ones."""
    found = {False: 0.0, True: 0.0}
    for r, t in zip(results, true, strict=True):
        if mp.isinf(t):
            assert r == t
        else:
            unit = mp.mpf(float(np.spacing(abs(float(t)))))
            small = abs(t) < 2.0**-1022
            found[small] = max(found[small], float(abs(mp.mpf(float(r)) - t) / unit))
    return found[False], found[True]


def exactly(row):
    """x - m, the logarithm of Σ exp(x - m), and the shares, all with 60 digits."""
    top = mp.mpf(float(max(row)))
    below = [mp.mpf(float(v)) - top for v in row]
    terms = [mp.exp(v) for v in below]
    excess = mp.fsum(e for e, v in zip(terms, below, strict=True) if v) + (below.count(0) - 1)
    return below, mp.log1p(excess), [e / (1 + excess) for e in terms]


@pytest.mark.parametrize("kind", ROWS)
def test_every_row_of_float64_is_rounded_once(kind):
    for row in ROWS[kind]:
        below, log, shares = exactly(row)
        x = tf.constant(row)
        for result, true in [
            (tf.nn.softmax(x), shares),
            (tf.nn.log_softmax(x), [v - log for v in below]),
            (tf.reshape(tf.reduce_logsumexp(x), [1]), [mp.mpf(float(max(row))) + log]),
            (tf_gradient(tf.reduce_logsumexp, x), shares),
        ]:
            normal, subnormal = errors(result.numpy(), true)
            assert normal <= ONCE and subnormal <= TWICE


@pytest.mark.parametrize("kind", ROWS)
def test_every_entry_of_a_jacobian_in_float64(kind):
    """Of log_softmax it is a share, or what is left beside one: the sum of all others, each of which may be half an ulp
    of its own from the truth, together no more than one of the sum, which is rounded once more."""
    for row in ROWS[kind]:
        _, _, p = exactly(row)
        for j in {0, len(row) // 2, len(row) - 1}:
            others = mp.fsum(p[k] for k in range(len(row)) if k != j)
            seed, x = tf.constant((np.arange(len(row)) == j).astype(float)), tf.constant(row)
            true = [p[i] * others if i == j else -p[i] * p[j] for i in range(len(row))]
            for found in (gradient(tf.nn.softmax, x, seed), tf.jvp(tf.nn.softmax, (x,), (seed,))[1].numpy()):
                normal, subnormal = errors(found, true)
                assert normal <= ONCE and subnormal <= TWICE
            true = [others if i == j else -p[i] for i in range(len(row))]
            assert max(errors(gradient(tf.nn.log_softmax, x, seed), true)) <= 1.5


@pytest.mark.parametrize("kind", ROWS)
def test_every_entry_of_the_hessian_of_logsumexp_in_float64(kind):
    """It is the Jacobian of softmax."""
    for row in ROWS[kind]:
        _, _, p = exactly(row)
        found = tf.hessian(tf.reduce_logsumexp)(tf.constant(row)).numpy()
        for i in range(len(row)):
            others = mp.fsum(p[k] for k in range(len(row)) if k != i)
            true = [p[i] * others if i == j else -p[i] * p[j] for j in range(len(row))]
            normal, subnormal = errors(found[i], true)
            assert normal <= ONCE and subnormal <= TWICE


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e200, 1e290])
@pytest.mark.parametrize("kind", ROWS)
def test_a_gradient_in_float64_has_all_digits_for_cotangents_of_any_size(kind, size):
    """The mean of the cotangents has 27 bits more than a double, whatever cancels."""
    for number, row in enumerate(ROWS[kind]):
        _, _, p = exactly(row)
        w = size * np.random.default_rng(number).integers(-4, 5, len(row))
        x, weights = tf.constant(row), [mp.mpf(float(v)) for v in w]
        results = gradient(tf.nn.softmax, x, tf.constant(w))
        for share, weight, result in zip(p, weights, results, strict=True):
            true = share * mp.fsum(b * (weight - d) for b, d in zip(p, weights, strict=True))
            unit = mp.mpf(float(np.spacing(abs(float(true)))))
            bound = (TWICE if unit < 2.0**-1074 * 2 else ONCE) * unit + 2.0**-75 * share * size
            assert abs(mp.mpf(float(result)) - true) <= bound
        normal, subnormal = errors(gradient(tf.reduce_logsumexp, x, tf.constant(w[0])), [a * weights[0] for a in p])
        assert normal <= ONCE and subnormal <= TWICE


def test_subnormal_terms_are_added_before_they_are_rounded():
    x = tf.constant([0.0] + [-744.9] * 5, tf.float64)
    true = 5 * mp.exp(mp.mpf(-744.9))
    assert tf.reduce_logsumexp(x).numpy() == float(true)
    assert tf.nn.log_softmax(x).numpy()[0] == -float(true)


@BOTH
def test_nan_in_a_row_is_nan_in_everything(dtype):
    x = tf.constant([[np.nan, 0.0, 1.0], [1.0, 2.0, np.nan]], dtype)
    for f in (tf.nn.softmax, tf.nn.log_softmax, lambda x: tf.reduce_logsumexp(x, axis=1)):
        assert np.isnan(f(x).numpy()).all()
        assert np.isnan(gradient(f, x)).all()


def test_the_axis_of_columns_has_the_same_bits():
    x = np.random.default_rng(2).normal(0, 3, (40, 30))
    for name in ("softmax", "log_softmax"):
        f = getattr(tf.nn, name)
        seed = tf.constant(np.random.default_rng(3).normal(0, 1, x.shape))
        np.testing.assert_array_equal(f(tf.constant(x), axis=0).numpy(), f(tf.constant(x.T.copy())).numpy().T)
        columns = gradient(partial(f, axis=0), tf.constant(x), seed)
        rows = gradient(f, tf.constant(x.T.copy()), tf.constant(seed.numpy().T.copy())).T
        np.testing.assert_array_max_ulp(columns, rows, 2)
