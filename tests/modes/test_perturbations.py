"""No derivative is taken for another one's: what a function closes over changes only for those who watch it, however
tapes, transforms, Taylor mode and traced functions are put into each other.

In each test the numbers are such that confusing the two gives another result, and the truth is worked out by hand.
"""

import numpy as np
import pytest

import gradtape as tf

BOTH = pytest.mark.parametrize("staged", [lambda f: f, tf.function], ids=["eager", "traced"])


def number(x):
    return tf.constant(np.array(float(x)))


def by_tape(f):
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, x, unconnected_gradients="zero")

    return slope


def by_variable(f):
    """The point is a Variable that f reads."""

    def slope(x):
        v = tf.Variable(x)
        with tf.GradientTape() as tape:
            y = f(v)
        return tape.gradient(y, v, unconnected_gradients="zero")

    return slope


def by_accumulator(f):
    def slope(x):
        with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as accumulator:
            y = f(x)
        return accumulator.jvp(y, unconnected_gradients="zero")

    return slope


WAYS = {
    "tape": by_tape,
    "variable": by_variable,
    "accumulator": by_accumulator,
    "grad": tf.grad,
    "jvp": lambda f: lambda x: tf.jvp(f, (x,), (tf.ones_like(x),))[1],
    "vjp": lambda f: lambda x: tf.vjp(f, x)[1](tf.ones_like(x))[0],
    "linearize": lambda f: lambda x: tf.linearize(f, x)[1](tf.ones_like(x)),
    "jacfwd": tf.jacfwd,
    "jacrev": tf.jacrev,
    "derivatives": lambda f: lambda x: tf.derivatives(f, x, 1)[1],
    "jet": lambda f: lambda x: tf.jet(f, (x,), ([tf.ones_like(x)],))[1][0],
    "vmap of grad": lambda f: lambda x: tf.vmap(tf.grad(f))(tf.reshape(x, [1]))[0],
}
PAIRS = [(outer, inner) for outer in WAYS for inner in WAYS]
nested = pytest.mark.parametrize(("outer", "inner"), PAIRS, ids=[f"{a} of {b}" for a, b in PAIRS])


def keeps_variables(name):
    """A Variable is made at each call, which a traced function or vmap does not allow."""
    return name == "variable"


@BOTH
@nested
def test_the_inner_function_closes_over_the_outer_variable(outer, inner, staged):
    """d/dx [x · d/dy (x y)] = d/dx [x²] = 2x. Who confuses x and y finds d/dy (y²) or a zero."""
    if keeps_variables(inner) and (staged is tf.function or "vmap" in outer or outer in ("jacfwd", "jacrev")):
        pytest.skip("no Variables in there")
    if keeps_variables(outer) and staged is tf.function:
        pytest.skip("no Variables in there")
    slope = WAYS[outer](lambda x: x * WAYS[inner](lambda y: x * y)(tf.ones_like(x) * 5.0))
    assert staged(slope)(number(3)).numpy() == 6


@BOTH
@nested
def test_the_inner_point_is_the_outer_variable(outer, inner, staged):
    """g(x) = d/dy (x² y³) at y = x is 3x⁴, and g' = 12x³; by y alone at the outer level it would be 6x³ or 9x³."""
    if keeps_variables(inner) or (keeps_variables(outer) and staged is tf.function):
        pytest.skip("a Variable that is made of a tensor is a leaf")
    slope = WAYS[outer](lambda x: WAYS[inner](lambda y: x * x * y * y * y)(x * 1.0))
    assert staged(slope)(number(2)).numpy() == 96


# -- functions that close over what tapes outside watch -------------------------------------------------------


def spellings():
    """Functions of x and a closed-over c that a rewrite would take for another one if c were the constant 1, and their
    derivatives by c at x = 0.5, c = 1."""
    at = np.exp(0.5)
    return {
        "sigmoid": (lambda c, x: 1.0 / (c + tf.exp(-x)), -1 / (1 + 1 / at) ** 2),
        "softplus": (lambda c, x: tf.math.log(c + tf.exp(x)), 1 / (1 + at)),
        "log1p": (lambda c, x: tf.math.log(c + x), 1 / 1.5),
        "expm1": (lambda c, x: tf.exp(x) - c, -1.0),
    }


SPELLINGS = spellings()
every_spelling = pytest.mark.parametrize("name", SPELLINGS)
INNER = ["grad", "jvp", "derivatives", "jet", "tape", "vjp", "jacrev", "vmap of grad"]


def mixed(name):
    """∂²f/∂x∂c at x = 0.5, c = 1, in closed form."""
    e = np.exp(0.5)
    return {
        "sigmoid": -2 * np.exp(-0.5) / (1 + np.exp(-0.5)) ** 3,
        "softplus": -e / (1 + e) ** 2,
        "log1p": -1 / 1.5**2,
        "expm1": 0.0,
    }[name]


@every_spelling
@pytest.mark.parametrize("kind", [tf.constant, tf.Variable], ids=["tensor", "variable"])
@pytest.mark.parametrize("inner", INNER)
def test_a_traced_function_closes_over_what_a_tape_watches(name, kind, inner):
    """Within the function an inner derivative is taken, so the recorded operations are rewritten there."""
    f, _ = SPELLINGS[name]
    c = kind(np.array(1.0))
    staged = tf.function(lambda x: WAYS[inner](lambda y: f(c, y))(x))
    x = number(0.5)
    before = staged(x).numpy()  # traced while nobody watches c
    with tf.GradientTape() as tape:
        tape.watch(c)
        y = staged(x)
    found = tape.gradient(y, c, unconnected_gradients="zero").numpy()
    assert abs(found - mixed(name)) <= 1e-15, found
    assert abs(y.numpy() - before) <= 2e-16 * abs(before)
    with tf.GradientTape() as outermost:
        outermost.watch(c)
        with tf.GradientTape() as tape:
            tape.watch(c)
            y = staged(x)
        once = tape.gradient(y, c, unconnected_gradients="zero")
    assert once.numpy() == found
    twice = outermost.gradient(once, c, unconnected_gradients="zero").numpy()
    step = 1e-5
    away = [by_tape(lambda c: WAYS[inner](lambda y: f(c, y))(x))(number(1 + s)).numpy() for s in (step, -step)]
    assert abs(twice - (away[0] - away[1]) / (2 * step)) <= 1e-8  # differences: h² and rounding over h


@every_spelling
@pytest.mark.parametrize("inner", INNER)
def test_a_traced_function_in_a_traced_function(name, inner):
    f, _ = SPELLINGS[name]
    c = number(1)
    inside = tf.function(lambda x: WAYS[inner](lambda y: f(c, y))(x))
    staged = tf.function(lambda x: inside(x) * 2.0)
    x = number(0.5)
    staged(x)
    for _ in range(2):
        with tf.GradientTape() as tape:
            tape.watch(c)
            y = staged(x)
        assert abs(tape.gradient(y, c, unconnected_gradients="zero").numpy() - 2 * mixed(name)) <= 2e-15
    with tf.autodiff.ForwardAccumulator(c, number(1)) as accumulator:
        y = staged(x)
    assert abs(accumulator.jvp(y, unconnected_gradients="zero").numpy() - 2 * mixed(name)) <= 2e-15


@every_spelling
def test_a_tape_inside_and_a_tape_outside(name):
    """The function has a tape of its own on the tensor it closes over, and another one watches the same tensor."""
    f, by_c = SPELLINGS[name]
    c, x = number(1), number(0.5)

    @tf.function
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(c)
            y = f(c, x)
        return tape.gradient(y, c)

    assert abs(slope(x).numpy() - by_c) <= 1e-15
    with tf.GradientTape(persistent=True) as outer:
        outer.watch([c, x])
        once = slope(x)
    assert abs(once.numpy() - by_c) <= 1e-15
    assert abs(outer.gradient(once, x, unconnected_gradients="zero").numpy() - mixed(name)) <= 1e-15


@every_spelling
def test_the_body_of_a_loop_closes_over_what_is_watched_outside_the_loop(name):
    """A loop of one step; its derivative by c goes forward through the loop."""
    f, _ = SPELLINGS[name]

    def looped(c, x):
        def body(y, i):
            return tf.grad(lambda z: f(c, z))(x) + 0.0 * y, i + 1

        return tf.while_loop(lambda y, i: i < 1, body, (x, 0))[0]

    @tf.function
    def slope(x):
        c = tf.constant(np.array(1.0))
        return tf.jvp(lambda c: looped(c, x), (c,), (np.array(1.0),))[1]

    @tf.function
    def watched(x):
        c = tf.constant(np.array(1.0))
        with tf.autodiff.ForwardAccumulator(c, number(1)) as accumulator:
            y = looped(c, x)
        return accumulator.jvp(y, unconnected_gradients="zero")

    for f_of_x in (slope, watched):
        assert abs(f_of_x(number(0.5)).numpy() - mixed(name)) <= 1e-15


def test_a_direction_that_a_tape_watches_is_no_known_number():
    """The series that a traced function gives to Taylor mode may be watched outside."""
    d = tf.constant(np.array([2.0, 2.0]))
    one = number(2)

    @tf.function
    def second(x):
        return tf.jet(lambda x: x**3, (x,), ([d, d * 0.0],))[1][1], tf.jet(lambda x: x**3, (x,), ([one, 0.0],))[1][1]

    x = tf.constant(np.array([1.0, 3.0]))
    assert second(x)[0].numpy().tolist() == [24, 72]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([d, one])
        wide, narrow = second(x)
    assert tape.gradient(wide, d).numpy().tolist() == [24, 72]  # ∂(6 x d²)/∂d
    assert tape.gradient(narrow, one).numpy() == 96


def test_the_tangent_of_a_traced_function_may_be_watched_outside():
    t, x = number(1), number(3)
    staged = tf.function(lambda x: tf.jvp(lambda x: x**3, (x,), (t,))[1])
    staged(x)
    with tf.GradientTape() as tape:
        tape.watch(t)
        y = staged(x)
    assert tape.gradient(y, t).numpy() == 27


# -- the traps of the literature ------------------------------------------------------------------------------


@BOTH
def test_nested_minimisation(staged):
    """min over x of max over y of x² + 3xy - y² by gradient steps that are differentiated: the inner one solves
    y = 3x/2, so the outer function is x² (1 + 9/4) and its slope 6.5 x."""

    def best(x):
        y = x * 0.0
        for _ in range(60):
            y = y + 0.25 * tf.grad(lambda y: x * x + 3.0 * x * y - y * y)(y)
        return x * x + 3.0 * x * y - y * y

    for way in (tf.grad, by_tape, WAYS["jvp"], WAYS["derivatives"]):
        found = staged(way(best))(number(2)).numpy()
        assert abs(found - 13) <= 1e-14


@BOTH
def test_a_saddle_by_newton_in_newton(staged):
    """Siskind and Pearlmutter: derivatives of a solution that was found with derivatives. y(x) solves y + y³ = x."""

    def solved(x):
        y = x * 0.5
        for _ in range(8):
            y = y - (y + y**3 - x) / tf.grad(lambda z: z + z**3 - x)(y)
        return y

    y = 1.0  # at x = 2
    wanted = [1 / (1 + 3 * y**2), -6 * y / (1 + 3 * y**2) ** 3]
    found = staged(lambda x: tf.derivatives(solved, x, 2)[1:])(number(2))
    assert [abs(a.numpy() - b) <= 1e-15 for a, b in zip(found, wanted, strict=True)] == [True, True]
    assert abs(staged(tf.grad(tf.grad(solved)))(number(2)).numpy() - wanted[1]) <= 1e-15


@BOTH
def test_a_derivative_that_is_returned_and_called_elsewhere(staged):
    """The amazing bug of Manzyuk et al. (2019): D(f)(x) is a function that closes over x, called on another D's point.

    f(x)(g)(y) = g(x + y). D f(0) is the map g ↦ y ↦ g'(y), so (D f 0)((D f 0) h)(y) = h''(y).
    """

    def shifted(h):
        return lambda y: tf.jvp(lambda x: h(x + y), (tf.zeros_like(y),), (tf.ones_like(y),))[1]

    assert abs(staged(shifted(shifted(tf.exp)))(number(1)).numpy() - np.e) <= 5e-16
    assert staged(shifted(shifted(lambda x: x**3)))(number(2)).numpy() == 12
    assert tf.derivatives(shifted(lambda x: x**3), number(2), 1)[1].numpy() == 12


@BOTH
def test_two_levels_share_a_point_but_not_a_variable(staged):
    x = number(3)
    f = staged(lambda a: tf.grad(lambda b: a * b)(a) + tf.grad(lambda b: b * b)(a))
    assert f(x).numpy() == 9  # a + 2a
    assert tf.grad(f)(x).numpy() == 3


def test_a_closed_over_tensor_is_no_variable_even_if_it_is_the_same_tensor():
    x = number(3)
    for way in ("grad", "jvp", "derivatives", "jet", "jacfwd", "jacrev", "vjp", "linearize"):
        assert WAYS[way](lambda y: x * y)(x).numpy() == 3
        assert tf.function(lambda x, way=way: WAYS[way](lambda y: x * y)(x))(x).numpy() == 3


def test_vmap_of_a_derivative_that_closes_over_the_example():
    xs = tf.constant(np.array([1.0, 2.0, 3.0]))
    for way in ("grad", "jvp", "derivatives", "jet", "vjp", "jacfwd"):
        found = tf.vmap(lambda x, way=way: WAYS[way](lambda y: x * y * y)(2.0 * x))(xs)  # 2xy = 4x²
        assert found.numpy().tolist() == [4, 16, 36]
        outer = tf.vmap(tf.grad(lambda x, way=way: WAYS[way](lambda y: x * y * y)(2.0 * x)))(xs)
        assert outer.numpy().tolist() == [8, 16, 24]
