"""PyTorch's spelling. What repr and types should be was taken down from PyTorch 2.13."""

import copy
import inspect
import pickle

import numpy as np
import pytest

import gradtape as tf
import gradtape.compat.torch as torch
import gradtape.compat.torch.nn.functional as F
from gradtape.errors import ArgumentError, DTypeError, ShapeError

UNARY = [
    "abs",
    "neg",
    "exp",
    "expm1",
    "exp2",
    "log",
    "log1p",
    "log2",
    "log10",
    "sqrt",
    "rsqrt",
    "square",
    "reciprocal",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "sigmoid",
    "relu",
    "floor",
    "ceil",
    "round",
    "sign",
]
KEEP_INTEGERS = {"abs", "neg", "square", "relu", "floor", "ceil", "round", "sign"}
BINARY = ["add", "sub", "mul", "div", "maximum", "minimum", "atan2"]


class TestTensor:
    @pytest.mark.parametrize(
        ("data", "dtype"),
        [
            (1.5, "float32"),
            (1, "int64"),
            (True, "bool"),
            ([1, 2], "int64"),
            ([1, 2.5], "float32"),
            ([[True], [False]], "bool"),
            (np.array([1.0]), "float64"),
            (np.array([1], np.int32), "int32"),
            (np.float64(1.0), "float64"),
            ([np.int32(1)], "int32"),
            (tf.constant([1]), "int32"),
        ],
    )
    def test_python_numbers_get_torch_types_and_arrays_keep_theirs(self, data, dtype):
        assert torch.tensor(data).dtype == dtype

    @pytest.mark.parametrize(
        ("dtype", "name"),
        [
            (torch.float, "float32"),
            (torch.double, "float64"),
            (torch.int, "int32"),
            (torch.long, "int64"),
            (torch.bool, "bool"),
            (float, "float64"),
            (int, "int64"),
        ],
    )
    def test_dtype_names(self, dtype, name):
        assert torch.tensor([1.0, 0.0], dtype=dtype).dtype == name

    def test_float64_keeps_all_digits_of_the_numbers(self):
        assert torch.tensor(0.1, dtype=torch.float64).item() == 0.1

    def test_requires_grad_says_that_there_is_no_backward(self):
        with pytest.raises(ArgumentError, match="GradientTape"):
            torch.tensor(1.0, requires_grad=True)

    def test_numpy_gives_an_array_also_for_one_number(self):
        value = torch.tensor(2.5).numpy()
        assert isinstance(value, np.ndarray) and value.shape == () and value == 2.5
        assert torch.tensor([1.0]).detach().numpy().tolist() == [1.0]

    def test_from_numpy_keeps_type_and_copies(self):
        array = np.array([1.0, 2.0])
        t = torch.from_numpy(array)
        array[0] = 9.0
        assert t.dtype == "float64" and t.tolist() == [1.0, 2.0]
        with pytest.raises(ArgumentError, match="list"):
            torch.from_numpy([1.0])

    def test_operators_and_indexing_give_torch_tensors(self):
        t = torch.tensor([1.0, 2.0])
        for result in (t + 1, 1 - t, t * t, -t, t[0], t > 1, t == t, t**2, 2 / t):
            assert type(result) is torch.Tensor

    def test_integers_divide_as_float32(self):
        quotient = torch.tensor([1, 2]) / torch.tensor([2, 2])
        assert quotient.dtype == "float32" and quotient.tolist() == [0.5, 1.0]
        assert (1 / torch.tensor([2])).dtype == "float32"

    def test_tensors_are_keys_copies_and_pickles(self):
        t = torch.tensor([1.0, 2.0])
        assert {t: "here"}[t] == "here"
        for other in (copy.copy(t), copy.deepcopy(t), pickle.loads(pickle.dumps(t))):
            assert type(other) is torch.Tensor and other.tolist() == [1.0, 2.0]

    def test_a_tape_follows_torch_tensors(self):
        x = torch.tensor([0.5, 1.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = (torch.sin(x) ** 2).sum()
        np.testing.assert_array_almost_equal_nulp(tape.gradient(y, x).numpy(), np.sin(2 * x.numpy()), 2)


class TestPrinting:
    @pytest.mark.parametrize(
        ("data", "shown"),
        [
            ([0.1192, 0.5], "tensor([0.1192, 0.5000])"),
            (0.5, "tensor(0.5000)"),
            (1.0, "tensor(1.)"),
            (3, "tensor(3)"),
            ([True, False], "tensor([ True, False])"),
            ([1, -10], "tensor([  1, -10])"),
            ([1.0, 2.5], "tensor([1.0000, 2.5000])"),
            ([-1.0, 200.0], "tensor([ -1., 200.])"),
            ([1e-5, 1.0], "tensor([1.0000e-05, 1.0000e+00])"),
            ([1e9], "tensor([1.0000e+09])"),
            ([float("nan"), 1.5, float("-inf")], "tensor([   nan, 1.5000,   -inf])"),
            ([float("inf"), 1.0], "tensor([inf, 1.])"),
            ([], "tensor([])"),
            (np.zeros((0, 3)), "tensor([], size=(0, 3), dtype=torch.float64)"),
            (np.array([1, 2], np.int32), "tensor([1, 2], dtype=torch.int32)"),
            ([[1.0, 2.0], [3.0, 4.0]], "tensor([[1., 2.],\n        [3., 4.]])"),
            ([[[1], [2]], [[3], [4]]], "tensor([[[1],\n         [2]],\n\n        [[3],\n         [4]]])"),
        ],
    )
    def test_is_as_torch_prints(self, data, shown):
        assert repr(torch.tensor(data)) == shown
        assert str(torch.tensor(data)) == shown

    def test_lines_end_at_80_columns_and_the_type_goes_to_the_next(self):
        lines = repr(torch.from_numpy(np.arange(20) / 8)).split("\n")
        assert lines == [
            "tensor([0.0000, 0.1250, 0.2500, 0.3750, 0.5000, 0.6250, 0.7500, 0.8750, 1.0000,",
            "        1.1250, 1.2500, 1.3750, 1.5000, 1.6250, 1.7500, 1.8750, 2.0000, 2.1250,",
            "        2.2500, 2.3750], dtype=torch.float64)",
        ]

    def test_the_middle_of_what_is_long_is_left_out(self):
        assert repr(torch.arange(2000)) == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"
        tall = repr(torch.zeros(500, 3)).split("\n")
        assert len(tall) == 7 and tall[3] == "        ...,"

    def test_format_of_one_number(self):
        assert f"{torch.tensor(0.5):.2f}" == "0.50"
        assert f"{torch.tensor(0.5)}" == "0.5"


class TestFunctions:
    @pytest.mark.parametrize("name", UNARY)
    def test_one_input_is_what_gradtape_gives(self, name):
        function = {"neg": tf.negative, "relu": tf.nn.relu}.get(name) or getattr(tf, name)
        values = [1.25, 2.5] if name == "acosh" else [0.25, 0.5]
        result = getattr(torch, name)(torch.tensor(values))
        assert type(result) is torch.Tensor
        np.testing.assert_array_equal(result.numpy(), function(values).numpy())
        np.testing.assert_array_equal(getattr(torch.tensor(values), name)().numpy(), result.numpy())

    @pytest.mark.parametrize("name", UNARY)
    def test_integers_count_as_float32_where_the_result_is_real(self, name):
        result = getattr(torch, name)(torch.tensor([1, 2]))
        assert result.dtype == ("int64" if name in KEEP_INTEGERS else "float32")

    @pytest.mark.parametrize("name", BINARY)
    def test_two_inputs_are_what_gradtape_gives(self, name):
        function = {"sub": tf.subtract, "mul": tf.multiply, "div": tf.divide}.get(name) or getattr(tf, name)
        x, y = [1.0, -2.0], [[3.0], [0.5]]
        result = getattr(torch, name)(torch.tensor(x), torch.tensor(y))
        np.testing.assert_array_equal(result.numpy(), function(tf.constant(x), tf.constant(y)).numpy())

    @pytest.mark.parametrize("name", UNARY + BINARY)
    def test_signatures_are_torch_s(self, name):
        parameters = inspect.signature(getattr(torch, name)).parameters
        assert list(parameters) == (["input", "out"] if name in UNARY else ["input", "other", "out"])
        assert parameters["out"].kind is inspect.Parameter.KEYWORD_ONLY
        assert getattr(torch, name).__name__ == name and getattr(torch, name).__doc__

    def test_pow_and_where(self):
        assert torch.pow(torch.tensor([2.0, 3.0]), 2).tolist() == [4.0, 9.0]
        assert torch.pow(2, torch.tensor([1.0, 2.0])).tolist() == [2.0, 4.0]
        chosen = torch.where(torch.tensor([True, False]), torch.tensor([1.0, 2.0]), 0)
        assert chosen.tolist() == [1.0, 0.0] and chosen.dtype == "float32"

    def test_numpy_arrays_are_taken_as_input(self):
        assert torch.sigmoid(np.array([0.0])).dtype == "float64"

    def test_makers_and_reductions(self):
        assert torch.zeros(2, 3).shape == torch.ones((2, 3)).shape == (2, 3)
        assert torch.arange(3).dtype == "int64" and torch.arange(0, 1, 0.5).dtype == "float32"
        assert torch.linspace(-1, 1, 3).tolist() == [-1.0, 0.0, 1.0]
        assert torch.full((2,), 7).dtype == "int64" and torch.full((2,), 7.0).dtype == "float32"
        assert torch.sum(torch.tensor([True, True])).item() == 2
        assert torch.mean(torch.tensor([[1.0, 3.0]]), dim=1, keepdim=True).tolist() == [[2.0]]
        with pytest.raises(DTypeError, match="int64"):
            torch.mean(torch.tensor([1, 2]))

    def test_nn_functional(self):
        x = torch.tensor([-2.0, 3.0])
        assert F.relu(x).tolist() == [0.0, 3.0]
        assert F.leaky_relu(x).tolist() == pytest.approx([-0.02, 3.0])
        assert F.leaky_relu(x, negative_slope=0.5).tolist() == [-1.0, 3.0]
        assert F.softplus(torch.tensor([-100.0])).item() == pytest.approx(np.exp(-100.0), rel=1e-7, abs=1e-45)
        assert F.softplus(x, beta=2).tolist() == pytest.approx((np.logaddexp(0, 2 * x.numpy()) / 2).tolist())
        assert F.sigmoid(x).tolist() == torch.sigmoid(x).tolist() and F.tanh(x).tolist() == torch.tanh(x).tolist()
        assert torch.nn.functional is F


class TestOut:
    def test_a_numpy_array_is_filled_and_returned(self):
        out = np.zeros(3, np.float32)
        assert torch.sigmoid(torch.tensor([-2.0, 0.0, 2.0]), out=out) is out
        np.testing.assert_allclose(out, [0.11920292, 0.5, 0.880797], rtol=1e-6)

    def test_a_tensor_is_filled_and_returned(self):
        out = torch.zeros(2)
        before = out + 1
        assert torch.add(torch.tensor([1.0, 2.0]), 1, out=out) is out
        assert out.tolist() == [2.0, 3.0]
        assert before.tolist() == [1.0, 1.0]

    def test_the_input_may_be_the_out(self):
        x = np.array([0.0, 1.0])
        torch.exp(x, out=x)
        np.testing.assert_array_equal(x, np.exp([0.0, 1.0]))
        t = torch.tensor([4.0])
        assert torch.sqrt(t, out=t).tolist() == [2.0]

    def test_part_of_an_array_can_be_filled(self):
        out = np.zeros((2, 2))
        torch.neg(np.array([1.0, 2.0]), out=out[:, 1])
        assert out.tolist() == [[0.0, -1.0], [0.0, -2.0]]

    def test_a_wider_type_holds_the_result(self):
        out = np.zeros(1)
        torch.exp(torch.tensor([0.0]), out=out)
        assert out.dtype == np.float64 and out.tolist() == [1.0]

    def test_another_shape_is_an_error(self):
        for out in (np.zeros(3), torch.zeros(3), np.zeros((1, 2))):
            with pytest.raises(ShapeError, match=r"\(2,\)"):
                torch.exp(torch.tensor([0.0, 1.0]), out=out)

    @pytest.mark.parametrize("out", [np.zeros(1, np.int64), torch.zeros(1, dtype=torch.int64), np.zeros(1, np.float32)])
    def test_a_type_that_cannot_hold_the_result_is_an_error(self, out):
        with pytest.raises(DTypeError, match="float64"):
            torch.exp(np.array([0.0]), out=out)

    def test_a_read_only_array_is_an_error(self):
        out = np.zeros(1)
        out.flags.writeable = False
        with pytest.raises(ArgumentError, match="read-only"):
            torch.exp(np.array([0.0]), out=out)
        assert out.tolist() == [0.0]

    def test_what_is_no_array_is_an_error(self):
        for out in ([0.0], tf.constant([0.0])):
            with pytest.raises(ArgumentError, match="out must be"):
                torch.exp([0.0], out=out)
