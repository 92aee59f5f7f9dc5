"""Functions made of functions are values: pickled with the standard module, equal where they mean the same."""

import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import values_module as given

import gradtape as tf
from gradtape.compat.v1.contrib.eager import gradients_function, value_and_gradients_function
from gradtape.modes.transformed import Transformed, transform

FUNCTIONS = {
    "grad": lambda: tf.grad(given.loss),
    "value_and_grad": lambda: tf.value_and_grad(given.loss, argnums=(0,)),
    "grad of grad": lambda: tf.elementwise_grad(tf.elementwise_grad(tf.sin)),
    "vmap of grad": lambda: tf.vmap(tf.grad(given.decorated)),
    "hessian": lambda: tf.hessian(given.traced),
    "traced jacobian": lambda: tf.function(tf.jacobian(given.loss)),
    "a transform": lambda: gradients_function(given.loss),
    "with options": lambda: gradients_function(given.loss, params=["x"]),
    "of a transform": lambda: gradients_function(value_and_gradients_function(given.loss)),
    "of a traced function": lambda: gradients_function(given.traced),
    "of a decorated function": lambda: gradients_function(given.decorated),
    "traced": lambda: given.traced,
    "traced again": lambda: tf.function(gradients_function(given.loss)),
    "traced with a signature": lambda: tf.function(given.loss, input_signature=[tf.TensorSpec([None], "float64")]),
    "decorated": lambda: given.decorated,
    "decorated by a transform": lambda: given.decorated_slope,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_pickled_function_is_equal_and_computes_the_same(name):
    f = FUNCTIONS[name]()
    again = pickle.loads(pickle.dumps(f))
    assert again == f and hash(again) == hash(f)
    x = tf.constant([[0.5, 2.0]] if name == "vmap of grad" else [0.5, 2.0], tf.float64)
    if name != "of a transform":  # whose function returns a nest that is not differentiated here
        assert repr(again(x)) == repr(f(x))


def test_functions_are_equal_across_processes():
    code = (
        "import pickle, sys; sys.path.insert(0, sys.argv[1]); from test_transformed import FUNCTIONS;"
        "sys.stdout.buffer.write(pickle.dumps({name: make() for name, make in FUNCTIONS.items()}))"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent)]
    other = pickle.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert other == {name: make() for name, make in FUNCTIONS.items()}


def test_only_the_same_transform_of_the_same_function_with_the_same_options_is_equal():
    f = gradients_function(given.loss)
    assert f == gradients_function(given.loss, None) == gradients_function(f=given.loss, params=None)
    assert len({f, gradients_function(given.loss, None), gradients_function(given.loss, [0])}) == 2
    assert f != value_and_gradients_function(given.loss)
    assert f != gradients_function(given.decorated)
    assert f != given.loss
    assert gradients_function(given.loss, [0]) != gradients_function(given.loss, ["x"])


def test_functions_traced_apart_are_equal_and_those_with_another_signature_are_not():
    spec = [tf.TensorSpec([2], "float32")]
    assert tf.function(given.loss) == given.traced
    assert tf.function(given.loss, input_signature=spec) != given.traced
    assert tf.function(given.loss, input_signature=spec) == tf.function(given.loss, input_signature=list(spec))


def test_a_traced_function_is_pickled_with_its_traces_left_behind():
    f = tf.function(given.loss)
    f(tf.constant([1.0]))
    assert pickle.loads(pickle.dumps(f)).experimental_get_tracing_count() == 0


def test_a_traced_method_is_pickled_with_its_object():
    model = given.Model(3.0)
    same, scaled = pickle.loads(pickle.dumps((model, model.scaled)))
    assert scaled == same.scaled
    assert scaled(tf.constant(2.0)).numpy() == 6.0


def test_a_transform_in_a_class_is_a_method():
    (slope,) = given.Model(3.0).slopes(tf.constant(2.0))
    assert slope.numpy() == 12.0


def test_a_function_that_cannot_be_pickled_says_so():
    f = gradients_function(lambda x: x * x)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(f)


def test_a_transformed_function_tells_what_it_is():
    @transform
    def doubled(f, times=2):
        def twice(*args):
            """Several times f."""
            return times * f(*args)

        return twice

    f = doubled(given.loss)
    assert isinstance(f, Transformed)
    assert (f.__name__, f.__doc__, f.__wrapped__) == ("twice", "Several times f.", given.loss)
    assert repr(doubled(f, times=3)) == "<doubled(twice, times=3)>"
    assert list(inspect.signature(f).parameters) == ["x"]
