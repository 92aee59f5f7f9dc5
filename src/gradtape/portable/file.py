"""`export` and `load`: a calculation as a small file.

    b"gradtape"  version, lengths, SHA-256        header                                       arrays
                                                  JSON: types, operations by name, nests       raw bytes, little-endian

Reading looks things up and compares; nothing that a file holds is run or imported. Every operation must be in the
table, with inputs and parameters that it `admits`, and all shapes and types are inferred again. So a file that is
accepted holds a graph that gradtape's functions could have made, whoever wrote it.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gradtape._version import __version__
from gradtape.errors import ArgumentError, FormatError, GradtapeError, OutputError
from gradtape.graph.dtypes import ALL, as_dtype
from gradtape.graph.node import TABLE, Node
from gradtape.graph.program import Program, Step
from gradtape.graph.shapes import size
from gradtape.portable.calculation import Calculation, Leaf, calculation

MAGIC = b"gradtape"
VERSION = 1
"""Of the format. A file of a later one is refused."""

HEAD = struct.Struct("<8sIIQ32s")
"""MAGIC, VERSION, length of the header, length of the arrays, SHA-256 of both."""

LARGEST_HEADER = 64 << 20
LARGEST_RESULT = 1 << 40
"""Elements of one result."""

MOST_AXES = 32
_DTYPES = {t.name for t in ALL}


def export(f: Any, file: str | os.PathLike | BinaryIO, *args: Any, **kwargs: Any) -> Calculation:
    """Write what a function computes to a file, which `load` reads without the function.

    f               a function, for instance grad(loss); a Program; or what `load` returned
    file            a path, which is replaced as a whole; or something open for writing bytes
    args, kwargs    examples of the function's arguments, as for `source`

    The file has the operations with shapes and types, the nests of arguments and results, and the arrays that the
    function closes over, Variables with their present values among them. It is the same for the same calculation. Named
    tuples are written as tuples. Returns what was written. Raises ArgumentError if f assigns Variables, or for
    arguments and results that are neither tensors nor None, numbers and strings; OutputError if the file cannot be
    written.

    >>> import io
    >>> import gradtape as tf
    >>> file = io.BytesIO()
    >>> tf.export(lambda x: tf.reduce_sum(x**2), file, tf.TensorSpec([3]))
    <Calculation <lambda>(float32[3]) -> float32[]>
    >>> tf.load(file.getvalue())([1., 2., 3.]).numpy()
    np.float32(14.0)
    """
    made = calculation(f, args, kwargs)
    content = _written(made)
    if not isinstance(file, (str, os.PathLike)):
        file.write(content)
        return made
    path = Path(file)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(content)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
    return made


def load(file: str | os.PathLike | BinaryIO | bytes) -> Calculation:
    """What `export` wrote, as a function of arrays or Tensors of the same shapes and types.

    file    a path, something open for reading bytes, or the bytes

    It returns Tensors in the nest that the function returned; tapes and transforms see its operations. Nothing in the
    file is executed. Raises FormatError for what is no such file, is damaged, truncated or longer than it says, of a
    later version, or holds operations that no function of gradtape makes; FileNotFoundError and the like if it cannot
    be read.
    """
    if isinstance(file, bytes):
        content = file
    elif isinstance(file, (str, os.PathLike)):
        content = _read_path(Path(file))
    else:
        content = file.read()
    header, data = _checked(content)
    try:
        return _made(json.loads(header), data)
    except FormatError:
        raise
    except (
        GradtapeError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise FormatError(f"the file does not hold a calculation: {error}") from error


def _read_path(path: Path) -> bytes:
    """The content of a file, unless it is not as long as it says."""
    with path.open("rb") as source:
        head = source.read(HEAD.size)
        _, header, data = _head(head)
        length = os.fstat(source.fileno()).st_size
        if length != HEAD.size + header + data:
            raise FormatError(f"{path} has {length} bytes, but should have {HEAD.size + header + data}")
        return head + source.read()


def _head(content: bytes) -> tuple[bytes, int, int]:
    """The SHA-256, and the lengths of header and arrays."""
    if len(content) < HEAD.size or not content.startswith(MAGIC):
        raise FormatError("this is no file that gradtape.export wrote")
    _, version, header, data, digest = HEAD.unpack_from(content)
    if version != VERSION:
        raise FormatError(
            f"the file has version {version} of the format, and this gradtape ({__version__}) reads version {VERSION}; "
            "install a gradtape that wrote it, or export again"
        )
    if header > LARGEST_HEADER:
        raise FormatError(f"the file says that its header has {header} bytes; more than {LARGEST_HEADER} are refused")
    return digest, header, data


def _checked(content: bytes) -> tuple[bytes, memoryview]:
    """Header and arrays of a file that is whole."""
    digest, header, data = _head(content)
    if len(content) != HEAD.size + header + data:
        raise FormatError(f"the file has {len(content)} bytes, but should have {HEAD.size + header + data}")
    body = memoryview(content)[HEAD.size :]
    if hashlib.sha256(body).digest() != digest:
        raise FormatError("the file is damaged: its content does not have the checksum that it was written with")
    return bytes(body[:header]), body[header:]


# -- writing --------------------------------------------------------------------------------------------------


def _written(made: Calculation) -> bytes:
    arrays = [leaf for leaf in made.leaves if not isinstance(leaf, int)]
    header = {
        "gradtape": __version__,
        "name": made.name,
        "parameters": list(made.parameters),
        "arguments": [_nest(made.arguments[0]), _nest(made.arguments[1])],
        "result": _nest(made.result),
        "inputs": made.inputs,
        "program": _program(made.program),
        "leaves": [leaf if isinstance(leaf, int) else None for leaf in made.leaves],
    }
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    data = b"".join(_little(array).tobytes() for array in arrays)
    return HEAD.pack(MAGIC, VERSION, len(text), len(data), hashlib.sha256(text + data).digest()) + text + data


def _little(array: np.ndarray) -> np.ndarray:
    """An array whose bytes are in the order of the format."""
    return array.astype(array.dtype.newbyteorder("<"), copy=False) if array.dtype.isnative else array


def _nest(value: Any) -> Any:
    if isinstance(value, Leaf):
        return {"leaf": value.number}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": [[key, _nest(one)] for key, one in value.items()]}
    if isinstance(value, (list, tuple)):
        return {"list" if isinstance(value, list) else "tuple": [_nest(one) for one in value]}
    raise ArgumentError(
        f"{value!r:.60} cannot be written to a file: arguments and results are tensors, None, numbers and strings, in "
        "lists, tuples and dicts with strings as keys"
    )


def _program(program: Program) -> dict[str, Any]:
    return {
        "leaves": program.leaves,
        "steps": [[name, [_param(one) for one in params], refs] for name, params, refs in program.steps],
        "outputs": program.outputs,
    }


def _param(value: Any) -> Any:
    if isinstance(value, Program):
        return _program(value)
    if type(value) is tuple:
        return [_param(one) for one in value]
    if value is None or type(value) in (bool, int, str):
        return value
    raise ArgumentError(f"an operation has the parameter {value!r:.60}, which cannot be written to a file")


# -- reading --------------------------------------------------------------------------------------------------


def _made(header: Any, data: memoryview) -> Calculation:
    """The calculation that a header describes; all is checked."""
    name, parameters = _text(header["name"]), [_text(one) for one in _list(header["parameters"])]
    inputs = tuple([_signature(one) for one in _list(header["inputs"])])
    program = _read_program(header["program"])
    outputs = _infer(program)
    positional, named = (_read_nest(one) for one in _list(header["arguments"]))
    result = _read_nest(header["result"])
    if type(positional) is not tuple or type(named) is not dict or len(parameters) != len(positional):
        raise FormatError("the arguments of the calculation are not a tuple and a dict")
    _numbered(_leaves([positional, named]), len(inputs), "argument")
    _numbered(_leaves(result), len(outputs), "result")
    leaves: list[int | np.ndarray] = []
    offset = 0
    for one, kind in zip(_list(header["leaves"]), program.leaves, strict=True):
        if one is None:
            array, offset = _array(data, offset, *kind)
            leaves.append(array)
        else:
            if inputs[_index(one, len(inputs))] != kind:
                raise FormatError("an input has another type in the operations than in the arguments")
            leaves.append(one)
    if offset != len(data):
        raise FormatError(f"{len(data) - offset} bytes of arrays belong to nothing")
    return Calculation(name, parameters, (positional, named), result, inputs, program, leaves)


def _infer(program: Program) -> list[Node]:
    """The nodes of the outputs. Each operation must be one that gradtape's functions make."""
    leaves = [Node(None, None, shape, as_dtype(dtype)) for dtype, shape in program.leaves]
    made: list[Node] = []
    for number, (name, params, refs) in enumerate(program.steps):
        primitive = TABLE.get(name)
        if primitive is None:
            raise FormatError(f"operation {number} is {name!r}, which this gradtape ({__version__}) does not know")
        inputs = tuple([made[i] if i >= 0 else leaves[-1 - i] for i in refs])
        if primitive.admits is None or not primitive.admits(inputs, params):
            raise FormatError(f"operation {number}, {name}, has inputs or parameters that it cannot have")
        shape, dtype = primitive.infer(inputs, params)
        if len(shape) > MOST_AXES or size(shape) > LARGEST_RESULT:
            raise FormatError(f"the result of operation {number} has the shape {shape}, which is refused as too large")
        made.append(Node((primitive, inputs, params), None, shape, dtype))
    return [made[i] if i >= 0 else leaves[-1 - i] for i in program.outputs]


def _read_program(value: Any) -> Program:
    """A Program whose numbers refer to what comes before."""
    leaves = tuple([_signature(one) for one in _list(value["leaves"])])
    steps: list[Step] = []
    for step in _list(value["steps"]):
        name, params, refs = _list(step)
        known = range(-len(leaves), len(steps))
        steps.append((_text(name), tuple([_read_param(one) for one in _list(params)]), _references(refs, known)))
    return Program(leaves, tuple(steps), _references(value["outputs"], range(-len(leaves), len(steps))))


def _references(value: Any, known: range) -> tuple[int, ...]:
    found = tuple(_list(value))
    if not all(type(one) is int and one in known for one in found):
        raise FormatError("an operation refers to something that does not come before it")
    return found


def _read_param(value: Any) -> Any:
    if isinstance(value, dict):
        program = _read_program(value)
        _infer(program)
        return program
    if isinstance(value, list):
        return tuple([_read_param(one) for one in value])
    if value is None or type(value) in (bool, int, str):
        return value
    raise FormatError(f"{value!r:.60} cannot be a parameter of an operation")


def _read_nest(value: Any) -> Any:
    if not isinstance(value, dict):
        if value is None or type(value) in (bool, int, str):
            return value
        raise FormatError(f"{value!r:.60} cannot be an argument or result")
    ((kind, inside),) = value.items()
    if kind == "leaf":
        return Leaf(_index(inside, 1 << 31))
    if kind == "float":
        return float.fromhex(_text(inside))
    parts = _list(inside)
    if kind == "list":
        return [_read_nest(one) for one in parts]
    if kind == "tuple":
        return tuple([_read_nest(one) for one in parts])
    if kind == "dict":
        return {_text(key): _read_nest(one) for key, one in map(_list, parts)}
    raise FormatError(f"{kind!r:.60} is no kind of arguments or results")


def _leaves(value: Any) -> list[int]:
    if isinstance(value, Leaf):
        return [value.number]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [number for one in inside for number in _leaves(one)]


def _numbered(found: Sequence[int], number: int, what: str) -> None:
    if sorted(found) != list(range(number)):
        raise FormatError(f"the {what}s of the calculation do not have each of {number} tensors once")


def _signature(value: Any) -> tuple[str, tuple[int, ...]]:
    dtype, shape = _list(value)
    if dtype not in _DTYPES:
        raise FormatError(f"{dtype!r:.60} is no element type")
    lengths = tuple([_index(n, LARGEST_RESULT + 1) for n in _list(shape)])
    if len(lengths) > MOST_AXES or size(lengths) > LARGEST_RESULT:
        raise FormatError(f"the shape {lengths!r:.60} is refused as too large")
    return dtype, lengths


def _array(data: memoryview, offset: int, dtype: str, shape: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """The array at a place, and where the next one is."""
    kind = as_dtype(dtype)
    end = offset + size(shape) * kind.size
    if end > len(data):
        raise FormatError("the arrays of the file are shorter than it says")
    raw = np.frombuffer(data[offset:end], kind.dtype.newbyteorder("<") if kind.dtype.isnative else kind.dtype)
    if kind.is_bool and (raw.view(np.uint8) > 1).any():
        raise FormatError("an array of bools has other bytes than 0 and 1")
    return raw.astype(kind.dtype).reshape(shape), end


def _text(value: Any) -> str:
    if type(value) is not str:
        raise FormatError(f"{value!r:.60} stands where a name is needed")
    return value


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise FormatError(f"{value!r:.60} stands where a list is needed")
    return value


def _index(value: Any, end: int) -> int:
    if type(value) is not int or not 0 <= value < end:
        raise FormatError(f"{value!r:.60} stands where a number from 0 to {end - 1} is needed")
    return value
