"""Matrix products: right, the same bits for every number of threads, and the BLAS is left as it was."""

import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

import gradtape as tf
from gradtape import config
from gradtape.engine import library, threads

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
