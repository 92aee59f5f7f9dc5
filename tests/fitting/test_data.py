"""Reading CSV files: what is understood, and what is said about the rest."""

import codecs

import numpy as np
import pytest

from gradtape.errors import ArgumentError, DataError
from gradtape.fitting.data import CHUNK, identifier, read


def columns(path, *names, **options):
    return read(path, lambda known: names or tuple(known), **options)


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "data.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_usual_form_gives_the_same_numbers(file, end, mark, delimiter):
    text = f'x{delimiter}"größe (m)"{end}1{delimiter}2.5{end}{end}-3e2{delimiter} 4 {end}'
    found = columns(file(mark + text.encode()))
    assert list(found.columns) == ["x", "größe_m"] and found.titles["größe_m"] == "größe (m)"
    assert np.array_equal(found.columns["x"], [1, -300]) and np.array_equal(found.columns["größe_m"], [2.5, 4])
    assert found.lines.tolist() == [2, 4]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings(file, encoding):
    path = file("x,größe\n1,2\n".encode(encoding))
    assert columns(path, encoding=encoding).columns["größe"] == [2]
    if encoding == "utf-16":  # known by its byte order mark
        assert columns(path).columns["größe"] == [2]


def test_only_the_columns_that_are_wanted_must_be_numbers(file):
    found = columns(file('name,x\nanna,1\n"smith, john",2\n'), "x")
    assert list(found.columns) == ["x"] and found.columns["x"].tolist() == [1, 2]


def test_lines_are_those_of_the_file_when_a_cell_has_several(file):
    with pytest.raises(DataError, match="line 4: 'two' in the column x"):
        columns(file('note,x\n"first\nsecond",1\nb,two\n'), "x")


def test_many_rows_are_read_in_parts(file):
    count = 2 * CHUNK + 7
    path = file("i,x\n" + "".join(f"{i},{i / 8}\n" for i in range(count)))
    told = []
    found = columns(path, progress=told.append)
    assert len(found) == count and np.array_equal(found.columns["x"], np.arange(count) / 8)
    assert len(told) == 3 and told == sorted(told) and told[-1] == path.stat().st_size


MISSING = "x,y\n1,2\n2,\n3,NA\n4,nan\n5,inf\n6,7\n"


def test_missing_numbers_are_an_error_or_dropped(file):
    with pytest.raises(DataError, match="column y there are 4 cells without a finite number, at lines 3, 4, 5, 6"):
        columns(file(MISSING))
    found = columns(file(MISSING), missing="drop")
    assert found.columns["x"].tolist() == [1, 6] and found.dropped == 4 and found.lines.tolist() == [2, 7]
    assert columns(file(MISSING), "x").dropped == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n1,2\n", "is empty"),
        ("x,y\n", "has no rows, only the names"),
        ("x,y\n1,\n", "is no finite number, at line 2"),
        ("1,2\n3,4\n", "must name the columns"),
        ("x,x\n1,2\n", "two columns named 'x'"),
        ("x,y\n1,2,3\n", "line 2 has 3 cells, but the first line has 2"),
        ("x,y\n1\n", "line 2 has 1 cells"),
        ("x,y\n1,a lot\n", "line 2: 'a lot' in the column y is not a number"),
        ("x;y\n1;2,5\n", "decimal comma"),
        (b"x,y\n1,\xe9\n", "not utf-8"),
        (b"\x00\x01\x02\n\x00\n", "column_1"),
        ('x,y\n"1,2\n' + "z" * 200_000, "no CSV file"),
    ],
)
def test_bad_files_are_refused_with_the_place(file, content, message):
    with pytest.raises(DataError, match=message):
        columns(file(content))


def test_no_such_file_and_a_folder(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        columns(tmp_path / "none.csv")
    with pytest.raises(DataError, match="cannot read"):
        columns(tmp_path)


def test_decimal_commas(file):
    assert columns(file("x;y\n1,5;2\n"), decimal=",").columns["x"] == [1.5]


@pytest.mark.parametrize(
    "options", [{"missing": "maybe"}, {"decimal": "'"}, {"delimiter": "ab"}, {"encoding": "klingon"}]
)
def test_options_out_of_range(file, options):
    with pytest.raises(ArgumentError):
        columns(file("x\n1\n"), **options)


def test_names_for_models():
    assert [identifier(t) for t in ("a b", "%", "1st", " 速度 ", "m/s")] == ["a_b", "", "_1st", "速度", "m_s"]
