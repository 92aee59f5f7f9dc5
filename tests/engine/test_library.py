"""Matrix products: right, the same bits for every number of threads, and the BLAS is left as it was."""

import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

import gradtape as tf
from gradtape import config
from gradtape.engine import library, products, threads
from gradtape.engine.compile import emit

SHAPES = [
    ((3, 4), (4, 5)),
    ((0, 4), (4, 5)),
    ((3, 0), (0, 5)),
    ((700, 300), (300, 200)),
    ((100_000, 10), (10, 1)),
    ((10, 100_003), (100_003, 3)),
    ((2000, 2000), (2000, 1)),
    ((30, 64, 64), (64, 64)),
    ((3, 2, 200, 100), (2, 100, 150)),
    ((1, 5, 300, 200), (4, 1, 200, 300)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_products_are_numpys_for_every_number_of_threads(shapes, dtype, monkeypatch):
    rng = np.random.default_rng(0)
    a, b = ((8 * rng.standard_normal(shape)).astype(dtype) for shape in shapes)
    expected = np.matmul(a.astype(np.float64), b.astype(np.float64))
    results = []
    for number in (1, 2, 3, 7):
        for parts in (1, 3, 8):
            monkeypatch.setattr(threads, "PARTS", parts)
            with config.override(threads=number):
                results.append(library.matmul(a, b))
    assert results[0].dtype == a.dtype and results[0].shape == expected.shape
    assert len({result.tobytes() for result in results}) == 1
    if dtype is np.int64:
        assert np.array_equal(results[0], np.matmul(a, b))
    else:  # the error of a sum of n products is at most n roundings of the sum of their sizes
        bound = np.matmul(abs(a.astype(np.float64)), abs(b.astype(np.float64))) * a.shape[-1] * np.finfo(dtype).eps
        assert np.all(abs(results[0] - expected) <= bound)


def test_transposed_operands_need_no_copy():
    rng = np.random.default_rng(1)
    a, g = rng.standard_normal((3000, 200)), rng.standard_normal((3000, 150))
    assert np.allclose(library.matmul(a.T, g), a.T @ g, rtol=1e-12, atol=1e-10)
    x, y = tf.constant(a), tf.constant(g)
    assert np.allclose(tf.matmul(x, y, transpose_a=True).numpy(), a.T @ g, rtol=1e-12, atol=1e-10)


def test_the_blas_keeps_its_threads():
    def numbers():
        return [one.num_threads for one in ThreadpoolController().select(user_api="blas").lib_controllers]

    before = numbers()
    a = np.ones((500, 500))

    def work():
        for _ in range(20):
            library.matmul(a, a)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert numbers() == before
    with pytest.raises(ValueError):
        library.matmul(np.ones((2, 3)), np.ones((2, 3)))
    assert numbers() == before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(1000, 300, 200), (40, 300, 2000), (50, 40_000, 60), (5, 300, 200, 100)])
@pytest.mark.parametrize("turned", ["", "a", "b", "ab", "apart", "reversed"])
def test_parts_are_right_however_matrices_stand_in_memory(sizes, turned, dtype, monkeypatch):
    *batch, rows, depth, columns = sizes
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((*batch, rows, depth)).astype(dtype), rng.standard_normal((depth, columns)).astype(dtype)
    expected = np.matmul(a, b)
    if "apart" in turned:
        a, b = np.repeat(np.repeat(a, 2, -1), 3, -2)[..., ::3, ::2], np.repeat(b, 2, 1)[:, ::2]
    elif "reversed" in turned:
        a, b = a[..., ::-1, ::-1], b[::-1, ::-1]
        expected = expected[..., ::-1, ::-1]
    else:
        a = np.swapaxes(np.ascontiguousarray(np.swapaxes(a, -1, -2)), -1, -2) if "a" in turned else a
        b = np.ascontiguousarray(b.T).T if "b" in turned else b
    bound = 4 * depth * np.finfo(dtype).eps * np.matmul(abs(a.astype(np.float64)), abs(b.astype(np.float64)))
    found = library.matmul(a, b)
    assert (abs(found - expected) <= bound).all()
    monkeypatch.setattr(library, "find_routine", lambda letter: None)
    assert (abs(library.matmul(a, b) - expected) <= bound).all(), "by NumPy"


def test_numpys_own_blas_is_found():
    names = {one.internal_api for one in products.libraries()}
    if names != {"openblas"} or len(products.libraries()) != 1:
        pytest.skip("NumPy has another BLAS here")
    assert products.routine("f") and products.routine("d") and products.routine("l") is None


def test_with_several_libraries_numpy_is_called(monkeypatch):
    both = products.libraries() * 2
    monkeypatch.setattr(products, "libraries", lambda: both)
    assert products.routine.__wrapped__("f") is None


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("type", ["float", "double"])
def test_parts_compile_for_both_widths_of_integers(type, bits):
    assert emit(products.source(type, bits))


def test_shapes_alone_say_how_a_product_is_cut():
    cut = []
    share = library._share
    for number in (1, 2, 5):
        with config.override(threads=number), pytest.MonkeyPatch.context() as patch:
            patch.setattr(library, "_share", lambda *given: cut.append(given[-1]) or share(*given))
            library.matmul(np.ones((2000, 400), np.float32), np.ones((400, 300), np.float32))
    assert len(cut) == 3 and len(set(cut)) == 1 and cut[0].number > 3


@pytest.mark.parametrize("sizes", [(3, 5, 7), (30, 64, 20), (257, 100, 17), (1, 17, 300), (400, 300, 200)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_do_not_depend_on_how_operands_stand_in_memory(sizes, dtype):
    """The kernels of a BLAS for transposed matrices add in other orders than those for plain ones."""
    rows, depth, columns = sizes
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal((rows, depth)).astype(dtype), rng.standard_normal((depth, columns)).astype(dtype)
    for turn_a in (False, True):
        for turn_b in (False, True):
            x, y = (a.T.copy() if turn_a else a), (b.T.copy() if turn_b else b)
            found = set()
            for tier in ("single", "fused"):
                for left in (tf.constant(x), tf.transpose(tf.constant(x.T.copy())), tf.constant(x)[::1] * 1.0):
                    for right in (tf.constant(y), tf.transpose(tf.constant(y.T.copy()))):
                        with config.override(tier=tier):
                            found.add(tf.matmul(left, right, turn_a, turn_b).numpy().tobytes())
            assert len(found) == 1
