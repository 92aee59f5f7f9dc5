"""TensorFlow's `tf.autodiff`: tapes backwards, accumulators forwards."""

from gradtape.modes.accumulator import ForwardAccumulator
from gradtape.modes.tape import GradientTape

__all__ = ["ForwardAccumulator", "GradientTape"]
