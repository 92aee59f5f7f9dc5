"""The cases with a GradientTape, for TensorFlow and for gradtape: the same code serves both."""

import inputs
from systems import LeftOut


class Tape:
    """`tf` is the library, `wrap` what makes a function of a step (or leaves it as it is), `force` computes results."""

    def __init__(self, tf, wrap, force):
        self.tf, self.wrap, self.force = tf, wrap, force

    def _work(self, function, *arguments):
        function, force = self.wrap(function), self.force
        return lambda: force(function(*arguments))

    def power(self):
        tf = self.tf

        def slope(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = x**4
            return [tape.gradient(y, x)]

        return self._work(slope, tf.constant(3.0))

    def second(self):
        tf = self.tf

        def curvature(x):
            with tf.GradientTape() as outer:
                outer.watch(x)
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    y = x**3
                first = inner.gradient(y, x)
            return [outer.gradient(first, x)]

        return self._work(curvature, tf.constant(3.0))

    def regression(self, size):
        tf = self.tf

        def slopes(w, b, x, y):
            with tf.GradientTape() as tape:
                tape.watch([w, b])
                loss = tf.reduce_mean(tf.square(w * x + b - y))
            return tape.gradient(loss, [w, b])

        return self._work(slopes, *map(tf.constant, inputs.line(size)))

    def sigmoid(self, size):
        tf = self.tf

        def value_and_slope(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.sigmoid(x)
            return [y, tape.gradient(y, x)]

        return self._work(value_and_slope, tf.constant(inputs.points(size, 10)))

    def sine(self, size):
        tf = self.tf

        def value_and_derivatives(x):
            with tf.GradientTape() as third:
                third.watch(x)
                with tf.GradientTape() as second:
                    second.watch(x)
                    with tf.GradientTape() as first:
                        first.watch(x)
                        y = tf.sin(x) ** 2
                    d1 = first.gradient(y, x)
                d2 = second.gradient(d1, x)
            return [y, d1, d2, third.gradient(d2, x)]

        return self._work(value_and_derivatives, tf.constant(inputs.points(size, 6)))

    def _wave(self, x):
        tf = self.tf
        return tf.tanh(tf.sin(x) * tf.exp(-x * x))

    def wave(self, size):
        return self._work(lambda x: [self._wave(x)], self.tf.constant(inputs.points(size, 3)))

    def nested(self, size):
        derivative = self._nested(self._wave, 7)
        return self._work(lambda x: [derivative(x)], self.tf.constant(inputs.points(size, 3)))

    def seventh(self, size):
        return self.nested(size)

    def tenth(self, size):
        raise LeftOut("ten nested derivatives take minutes")

    def _nested(self, function, order):
        """The derivative of an order, by nested tapes."""
        if order == 0:
            return function
        tf, inner = self.tf, self._nested(function, order - 1)

        def derivative(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = inner(x)
            return tape.gradient(y, x)

        return derivative

    def jacobian(self, size):
        tf = self.tf

        def derivatives(x, matrix):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.tanh(tf.reshape(tf.matmul(matrix, tf.reshape(x, [size, 1])), [size]))
            return [tape.jacobian(y, x)]

        matrix, x = map(tf.constant, inputs.layer(size))
        return self._work(derivatives, x, matrix)

    def _rosenbrock(self, x):
        return self.tf.reduce_sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    def hessian_vector(self, size):
        tf = self.tf

        def product(x, v):
            with tf.autodiff.ForwardAccumulator(x, v) as accumulator:
                with tf.GradientTape() as tape:
                    tape.watch(x)
                    y = self._rosenbrock(x)
                slope = tape.gradient(y, x)
            return [accumulator.jvp(slope)]

        return self._work(product, *map(tf.constant, inputs.valley(size)))

    def linear_training(self, rows, columns):
        tf = self.tf
        return self._training(lambda z, y: tf.reduce_mean(tf.square(z - y)), inputs.LINEAR_RATE, rows, columns, False)

    def logistic_training(self, rows, columns):
        tf = self.tf
        return self._training(
            lambda z, y: tf.reduce_mean(tf.nn.softplus(z) - y * z), inputs.LOGISTIC_RATE, rows, columns, True
        )

    def _training(self, loss_of, rate, rows, columns, classes):
        tf = self.tf
        x, y = inputs.table(rows, columns, classes=classes)
        x, y = tf.constant(x), tf.constant(y[:, None])
        w, b = tf.Variable(tf.zeros([columns, 1])), tf.Variable(0.0)

        def step(x, y):
            with tf.GradientTape() as tape:
                loss = loss_of(tf.matmul(x, w) + b, y)
            dw, db = tape.gradient(loss, [w, b])
            w.assign_sub(rate * dw)
            b.assign_sub(rate * db)

        step = self.wrap(step)
        start = tf.zeros([columns, 1])

        def work():
            w.assign(start)
            b.assign(0.0)
            for _ in range(inputs.STEPS):
                step(x, y)
            return self.force([w, b])

        return work

    def perceptron(self, *lengths):
        tf = self.tf
        data = inputs.digits(*lengths)
        w1, b1, w2, b2 = weights = [tf.Variable(weight) for weight in data.weights]

        def step(images, labels):
            with tf.GradientTape() as tape:
                hidden = tf.nn.relu(tf.matmul(images, w1) + b1)
                loss = tf.reduce_mean(self.cross_entropy(tf.matmul(hidden, w2) + b2, labels))
            slopes = tape.gradient(loss, weights)
            for weight, slope in zip(weights, slopes, strict=True):
                weight.assign_sub(inputs.PERCEPTRON_RATE * slope)
            return [loss]

        return self._work(step, tf.constant(data.images), self.labels(data.labels, lengths[-1]))

    def mixture(self, n, d, k):
        tf = self.tf
        data = inputs.mixture(n, d, k)
        below, identity = tf.constant(data.below), tf.constant(data.identity)

        def objective(alphas, means, logs, lowers, x):
            diagonal = tf.exp(logs)
            lower = lowers * below
            q = lower + tf.expand_dims(diagonal, 2) * identity
            centre = tf.reshape(tf.reduce_sum(q * tf.expand_dims(means, 1), axis=2), [k * d])
            moved = tf.matmul(x, tf.reshape(q, [k * d, d]), transpose_b=True) - centre
            distance = tf.reduce_sum(tf.square(tf.reshape(moved, [n, k, d])), axis=2)
            total = tf.reduce_sum(logs, axis=1)
            likely = tf.reduce_sum(self.logsumexp(alphas + total - 0.5 * distance, 1))
            spread = tf.reduce_sum(tf.square(diagonal)) + tf.reduce_sum(tf.square(lower))
            prior = 0.5 * inputs.WISHART_GAMMA**2 * spread - inputs.WISHART_M * tf.reduce_sum(total)
            return likely - n * self.logsumexp(alphas, 0) + prior + data.constant

        def value_and_slopes(*arguments):
            parameters = list(arguments[:4])
            with tf.GradientTape() as tape:
                tape.watch(parameters)
                value = objective(*arguments)
            return [value, *tape.gradient(value, parameters)]

        return self._work(value_and_slopes, *map(tf.constant, data.parameters), tf.constant(data.x))
