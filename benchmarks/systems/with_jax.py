"""The cases in JAX: eagerly, and compiled by `jax.jit`. Results are waited for."""

import jax
import jax.numpy as jnp
from jax.experimental.jet import jet

import inputs


def _wave(x):
    return jnp.tanh(jnp.sin(x) * jnp.exp(-x * x))


def _rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def _by_jet(x, order):
    """The derivatives of the wave by Taylor mode."""
    line = (jnp.ones_like(x), *[jnp.zeros_like(x)] * (order - 1))
    return jet(_wave, (x,), (line,))[1]


def _slope(function):
    """The derivative of a function that works element by element, in forward mode."""
    return lambda x: jax.jvp(function, (x,), (jnp.ones_like(x),))[1]


class System:
    def __init__(self, mode):
        self.compiled = mode == "jit"

    def _work(self, function, *arguments):
        function = jax.jit(function) if self.compiled else function
        return lambda: jax.block_until_ready(function(*arguments))

    def power(self):
        return self._work(lambda x: [jax.grad(lambda x: x**4)(x)], jnp.float32(3))

    def second(self):
        return self._work(lambda x: [jax.grad(jax.grad(lambda x: x**3))(x)], jnp.float32(3))

    def regression(self, size):
        def loss(w, b, x, y):
            return jnp.mean(jnp.square(w * x + b - y))

        return self._work(jax.grad(loss, argnums=(0, 1)), *map(jnp.asarray, inputs.line(size)))

    def sigmoid(self, size):
        def value_and_slope(x):
            y, pull_back = jax.vjp(jax.nn.sigmoid, x)
            return y, *pull_back(jnp.ones_like(x))

        return self._work(value_and_slope, jnp.asarray(inputs.points(size, 10)))

    def sine(self, size):
        def value_and_derivatives(x):
            rest = (jnp.ones_like(x), jnp.zeros_like(x), jnp.zeros_like(x))
            y, derivatives = jet(lambda x: jnp.sin(x) ** 2, (x,), (rest,))
            return [y, *derivatives]

        def by_nesting(x):
            ones = jnp.ones_like(x)

            def first(x):
                return jax.jvp(lambda x: jnp.sin(x) ** 2, (x,), (ones,))

            def second(x):
                (y, d1), (_, d2) = jax.jvp(first, (x,), (ones,))
                return y, d1, d2

            (y, d1, d2), (_, _, d3) = jax.jvp(second, (x,), (ones,))
            return y, d1, d2, d3

        function = by_nesting if self.compiled else value_and_derivatives  # each the faster one
        return self._work(function, jnp.asarray(inputs.points(size, 6)))

    def wave(self, size):
        return self._work(lambda x: [_wave(x)], jnp.asarray(inputs.points(size, 3)))

    def seventh(self, size):
        return self._work(lambda x: _by_jet(x, 7)[-1:], jnp.asarray(inputs.points(size, 3)))

    def tenth(self, size):
        return self._work(lambda x: _by_jet(x, 10), jnp.asarray(inputs.points(size, 3)))

    def nested(self, size):
        derivative = _wave
        for _ in range(7):
            derivative = _slope(derivative)
        return self._work(lambda x: [derivative(x)], jnp.asarray(inputs.points(size, 3)))

    def jacobian(self, size):
        matrix, x = map(jnp.asarray, inputs.layer(size))
        derivatives = jax.jacrev(lambda x, matrix: jnp.tanh(matrix @ x))
        return self._work(lambda x, matrix: [derivatives(x, matrix)], x, matrix)

    def hessian_vector(self, size):
        def product(x, v):
            return [jax.jvp(jax.grad(_rosenbrock), (x,), (v,))[1]]

        return self._work(product, *map(jnp.asarray, inputs.valley(size)))

    def dense_hessian(self, size):
        derivatives = jax.hessian(_rosenbrock)
        return self._work(lambda x: [derivatives(x)], jnp.asarray(inputs.valley(size)[0]))

    def sparse_hessian(self, size):
        def elements(x, seeds, passes, rows):
            products = jax.vmap(lambda seed: jax.jvp(jax.grad(_rosenbrock), (x,), (seed,))[1])(seeds)
            return [products[passes, rows]]

        return self._work(elements, *map(jnp.asarray, (inputs.valley(size)[0], *inputs.tridiagonal(size))))

    def linear_training(self, rows, columns):
        return self._training(
            lambda z, y: jnp.mean(jnp.square(z - y)), inputs.LINEAR_RATE, rows, columns, classes=False
        )

    def logistic_training(self, rows, columns):
        return self._training(
            lambda z, y: jnp.mean(jax.nn.softplus(z) - y * z), inputs.LOGISTIC_RATE, rows, columns, classes=True
        )

    def _training(self, loss_of, rate, rows, columns, *, classes):
        """Compiled, the loop is inside: faster than a Python loop over steps with donated weights."""
        x, y = map(jnp.asarray, inputs.table(rows, columns, classes=classes))

        def step(_, state):
            x, y, w, b = state
            dw, db = jax.grad(lambda w, b: loss_of(x @ w + b, y), argnums=(0, 1))(w, b)
            return x, y, w - rate * dw, b - rate * db

        def train(x, y):
            state = x, y, jnp.zeros(columns, jnp.float32), jnp.float32(0)
            if self.compiled:
                return jax.lax.fori_loop(0, inputs.STEPS, step, state)[2:]
            for i in range(inputs.STEPS):
                state = step(i, state)
            return state[2:]

        return self._work(train, x, y)

    def perceptron(self, *lengths):
        data = inputs.digits(*lengths)
        images, labels = jnp.asarray(data.images), jnp.asarray(data.labels)

        def loss_of(weights, images, labels):
            w1, b1, w2, b2 = weights
            logits = jax.nn.relu(images @ w1 + b1) @ w2 + b2
            chosen = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
            return jnp.mean(jax.nn.logsumexp(logits, axis=1) - chosen)

        def step(weights, images, labels):
            loss, slopes = jax.value_and_grad(loss_of)(weights, images, labels)
            return loss, [w - inputs.PERCEPTRON_RATE * slope for w, slope in zip(weights, slopes, strict=True)]

        step = jax.jit(step, donate_argnums=0) if self.compiled else step
        state = [jnp.array(weight) for weight in data.weights]

        def work():
            nonlocal state
            loss, state = jax.block_until_ready(step(state, images, labels))
            return [loss]

        return work

    def mixture(self, n, d, k):
        data = inputs.mixture(n, d, k)

        def objective(alphas, means, logs, lowers, x, below, identity):
            diagonal = jnp.exp(logs)
            lower = lowers * below
            q = lower + diagonal[:, :, None] * identity
            centre = jnp.sum(q * means[:, None, :], 2).reshape(k * d)
            distance = jnp.sum(jnp.square(x @ q.reshape(k * d, d).T - centre).reshape(n, k, d), 2)
            total = jnp.sum(logs, 1)
            likely = jnp.sum(jax.nn.logsumexp(alphas + total - 0.5 * distance, axis=1))
            spread = jnp.sum(jnp.square(diagonal)) + jnp.sum(jnp.square(lower))
            prior = 0.5 * inputs.WISHART_GAMMA**2 * spread - inputs.WISHART_M * jnp.sum(total)
            return likely - n * jax.nn.logsumexp(alphas) + prior + data.constant

        def value_and_slopes(*arguments):
            value, slopes = jax.value_and_grad(objective, argnums=(0, 1, 2, 3))(*arguments)
            return value, *slopes

        arrays = (*data.parameters, data.x, data.below, data.identity)
        return self._work(value_and_slopes, *map(jnp.asarray, arrays))
