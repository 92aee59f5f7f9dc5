"""Optimisers under TensorFlow's name ``tf.optimizers``.

       schedules ─┐
    update ─► step ┴─► optimizer ─► methods

>>> import gradtape as tf
>>> w = tf.Variable(4.)
>>> optimizer = tf.optimizers.SGD(learning_rate=0.25)
>>> with tf.GradientTape() as tape:
...     loss = (w - 1)**2
>>> count = optimizer.apply_gradients(zip(tape.gradient(loss, [w]), [w]))
>>> w.numpy()
np.float32(2.5)
"""

from gradtape.optimizers import schedules
from gradtape.optimizers.methods import SGD, Adagrad, Adam, AdamW, RMSprop
from gradtape.optimizers.optimizer import Optimizer

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "schedules"]
