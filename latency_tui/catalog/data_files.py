"""Identifies the format of data files by their first bytes, also inside compressed files."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from latency_tui.catalog.bounded_reading import open_regular
from latency_tui.catalog.dialects import decode
from latency_tui.catalog.file_head import read_head
from latency_tui.errors import UsageError

if TYPE_CHECKING:
    from latency_tui.plan.trust import Trust

Format = Literal["csv", "parquet", "feather", "npz", "npy", "jsonl", "json", "excel", "pickle", "libsvm"]
Compression = Literal["", "gzip", "bzip2", "xz", "zstd"]

HEAD_BYTES = 1 << 16
MAX_HEAD_BYTES = 1 << 24
_LINES_WANTED = 3

SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".psv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".feather": "feather",
    ".arrow": "feather",
    ".npz": "npz",
    ".npy": "npy",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".svm": "libsvm",
    ".libsvm": "libsvm",
    ".svmlight": "libsvm",
}
"""Formats by suffix; `.pkl` is missing because most pickles are models."""

COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}

TITLES: dict[Format, str] = {
    "csv": "a CSV file",
    "parquet": "a Parquet file",
    "feather": "a Feather file",
    "npz": "an NPZ file",
    "npy": "an NPY file",
    "jsonl": "a file of JSON lines",
    "json": "a JSON file",
    "excel": "an Excel workbook",
    "pickle": "a pickle",
    "libsvm": "a LIBSVM file",
}

SUPPORTED = "CSV, Parquet, Feather, NPZ, NPY, JSON, JSON lines, Excel or LIBSVM"

_COMPRESSED: dict[bytes, Compression] = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_MAGIC_NUMBERS: dict[bytes, Format] = {
    b"PAR1": "parquet",
    b"ARROW1": "feather",
    b"FEA1": "feather",
    b"\x93NUMPY": "npy",
}
_TEXT: frozenset[Format] = frozenset(("csv", "json", "jsonl", "libsvm"))
_OTHERS: dict[bytes, str] = {
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook (.xls); save it as .xlsx, CSV or Parquet",
    b"\x89HDF\r\n": "is an HDF5 file; save the table as Parquet or NPZ",
    b"SQLite format 3": "is an SQLite database; export the table as CSV or Parquet",
    b"ORC": "is an ORC file; save it as Parquet or CSV",
    b"Obj\x01": "is an Avro file; save it as Parquet or CSV",
    b"%PDF": "is a PDF document; save the table as CSV or Parquet",
    b"RDX": "is a file of R; save the table there with write.csv",
    b"<stata_dta>": "is a Stata file; save it as CSV or Parquet",
    b"7z\xbc\xaf": "is a 7z archive; unpack it first",
    b"Rar!": "is a RAR archive; unpack it first",
    b"\x89PNG": "is a PNG image; save its pixels as NPY",
    b"\xff\xd8\xff": "is a JPEG image; save its pixels as NPY",
}
_PICKLES = frozenset((".pkl", ".pickle", ".joblib"))
_TAR_AT, _TAR = 257, b"ustar"
_LIBSVM = re.compile(r"\s*[+-]?[\d.eE+-]+(,[\d.eE+-]+)*(\s+qid:\d+)?(\s+\d+:[-+.\deE]+)+\s*(#.*)?")
_JSON_STARTS = '{[]"-0123456789tfn'


@dataclass(frozen=True)
class DataFile:
    """A data file with its format and its first bytes.

    Attributes:
        path: The file.
        format: The format.
        compression: The compression; empty if there is none.
        head: The first bytes, uncompressed; at least a few lines of a text file.
        whole: Whether `head` contains the whole file.
    """

    path: Path
    format: Format
    compression: Compression
    head: bytes
    whole: bool

    @property
    def title(self) -> str:
        """The format as text, such as `a CSV file`."""
        return TITLES[self.format]

    def open(self) -> BinaryIO:
        """Open the file for reading uncompressed bytes."""
        return open_data(self.path, self.compression)


def format_of(path: Path) -> Format:
    """Return the format of a data file.

    Raises:
        UsageError: See `identify_data_file`.
    """
    return identify_data_file(path).format


def identify_data_file(path: Path) -> DataFile:
    """Identify a data file by its first bytes and its name.

    Raises:
        UsageError: The file does not exist, cannot be read, is empty, has an unsupported format, or its content does
            not match its name.
    """
    raw = read_head(path, HEAD_BYTES, wanted="data")
    compression = next((kind for mark, kind in _COMPRESSED.items() if raw.startswith(mark)), "")
    head, whole = _head(path, cast("Compression", compression))
    if not head:
        raise UsageError(f"{path} is empty.")
    claimed = _format_by_suffix(path)
    data_format = _identify(path, head, whole, claimed)
    if claimed and data_format != claimed and not {claimed, data_format} <= _TEXT:
        raise UsageError(f"{path} is {TITLES[data_format]}, not {TITLES[claimed]} as its name says; rename it.")
    return DataFile(path, data_format, cast("Compression", compression), head, whole)


def title_of_name(path: Path) -> str:
    """Return the format of a file as text, by its name alone; empty if the name is not that of a data file."""
    data_format = _format_by_suffix(path)
    return TITLES[data_format] if data_format else ""


def open_data(path: Path, compression: Compression) -> BinaryIO:
    """Open a file for reading uncompressed bytes.

    Raises:
        ImportError: The library for this compression is not installed.
    """
    if compression == "gzip":
        import gzip  # deferred: most files are not compressed

        return cast("BinaryIO", gzip.open(path))
    if compression == "bzip2":
        import bz2  # deferred: as above

        return cast("BinaryIO", bz2.open(path))
    if compression == "xz":
        import lzma  # deferred: as above

        return cast("BinaryIO", lzma.open(path))
    if compression == "zstd":
        import pyarrow  # deferred: as above; Python has zstd from 3.14 on

        return io.BufferedReader(cast("io.RawIOBase", pyarrow.input_stream(str(path), compression="zstd")))
    return open_regular(path, wanted="data")


def _format_by_suffix(path: Path) -> Format | None:
    """Return the format by the suffix of the name; None if the suffix is unknown."""
    suffix = path.suffix.lower()
    return SUFFIXES.get(Path(path.stem).suffix.lower() if suffix in COMPRESSIONS else suffix)


def _head(path: Path, compression: Compression) -> tuple[bytes, bool]:
    """Return the first bytes of the data, at least a few lines of text, and whether that is the whole file.

    Raises:
        UsageError: The file cannot be decompressed.
    """
    try:
        with open_data(path, compression) as file:
            head, wanted, line_end = b"", HEAD_BYTES, b"\n"
            while True:
                head += file.read(wanted - len(head))
                if len(head) < wanted:
                    return head, True
                line_end = b"\n" if b"\n" in head else b"\r"
                if head.count(line_end) >= _LINES_WANTED or wanted >= MAX_HEAD_BYTES or _is_binary(head):
                    return head, not file.read(1)
                wanted *= 4
    except ImportError as error:
        raise UsageError(
            f"{path} is compressed with {compression}, which needs {error.name}: pip install {error.name}"
        ) from None
    except (OSError, EOFError, ValueError) as error:
        if not compression:
            raise UsageError(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}.") from error
        raise UsageError(f"{path} cannot be decompressed ({compression}): it is truncated or damaged.") from error
    except Exception as error:
        if type(error).__name__ != "LZMAError":  # lzma is imported only for such files
            raise
        raise UsageError(f"{path} cannot be decompressed ({compression}): it is truncated or damaged.") from error


def _is_binary(head: bytes) -> bool:
    return head.startswith((*_MAGIC_NUMBERS, b"PK\x03\x04", b"\x80"))


def _identify(path: Path, head: bytes, whole: bool, claimed: Format | None) -> Format:
    for mark, data_format in _MAGIC_NUMBERS.items():
        if head.startswith(mark):
            return data_format
    if head.startswith(b"PK"):
        return _inside_zip(path, claimed)
    for mark, sentence in _OTHERS.items():
        if head.startswith(mark):
            raise UsageError(f"{path} {sentence}.")
    if head[_TAR_AT:].startswith(_TAR):
        raise UsageError(f"{path} is a tar archive; unpack it first.")
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    if path.suffix.lower() in _PICKLES and head[:1] in (b"x", b"(", b"]", b"c"):  # compressed by joblib; protocol 0
        return "pickle"
    if claimed is not None and claimed not in _TEXT:
        raise UsageError(f"{path} is not {TITLES[claimed]}: it is truncated or has another format.")
    decoded = decode(head, whole=whole)
    if decoded is None:
        raise UsageError(f"{path} is not {TITLES[claimed] if claimed else SUPPORTED}: it is not text.")
    text = decoded[0].lstrip("\ufeff \t\r\n\x1a")
    if not text and whole:
        raise UsageError(f"{path} is empty: it holds white space only.")
    return _identify_text(path, text, whole, claimed)


def _identify_text(path: Path, text: str, whole: bool, claimed: Format | None) -> Format:
    if re.match(r"(%[^\n]*\s+)*@relation", text, re.IGNORECASE):
        raise UsageError(f"{path} is an ARFF file (of Weka); save the table as CSV or Parquet.")
    if text.startswith("<"):
        raise UsageError(f"{path} is an XML file, which is not read; save the table as CSV or Parquet.")
    rest = text[1:].lstrip()[:1]
    if text[0] == "{" or (text[0] == "[" and rest and rest in _JSON_STARTS and claimed != "csv"):
        return _identify_json(text, whole, claimed)
    if claimed in ("json", "jsonl"):
        raise UsageError(f"{path} is not {TITLES[claimed]}: it begins with {text[:20].splitlines()[0]!r}.")
    lines = [line for line in text.splitlines()[:20] if line.strip() and not line.startswith("#")]
    return "libsvm" if lines and all(map(_LIBSVM.fullmatch, lines)) else "csv"


def _identify_json(text: str, whole: bool, claimed: Format | None) -> Format:
    """Return whether a text is one JSON value (`json`) or one JSON object per line (`jsonl`)."""
    if claimed == "jsonl":
        return "jsonl"
    first, _, rest = text.partition("\n")
    try:
        value = json.loads(first)
    except ValueError:
        return "json"
    if not isinstance(value, dict) or (claimed == "json" and not rest.strip()):
        return "json"
    by_column = whole and not rest.strip() and all(isinstance(inner, list | dict) for inner in value.values())
    return "json" if by_column else "jsonl"


def _inside_zip(path: Path, claimed: Format | None) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        if claimed in ("npz", "excel"):
            return claimed  # the reader reports the truncated file
        what = f"not {TITLES[claimed]}" if claimed else "a ZIP archive"
        raise UsageError(f"{path} is {what}: it is truncated or damaged.") from None
    if "xl/workbook.xml" in names:
        return "excel"
    if "xl/workbook.bin" in names:
        raise UsageError(f"{path} is a binary Excel workbook (.xlsb); save it as .xlsx, CSV or Parquet.")
    if "mimetype" in names[:1] or "content.xml" in names:
        raise UsageError(f"{path} is an OpenDocument spreadsheet; save it as .xlsx, CSV or Parquet.")
    if all(name.endswith(".npy") for name in names):
        return "npz"
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")
    raise UsageError(f"{path} is a ZIP archive of {shown}; unpack it first.")


def is_sparse(names: Iterable[str]) -> bool:
    """Return whether the arrays of an NPZ file are a sparse matrix written by scipy.sparse.save_npz."""
    return {*names} >= {"format", "shape", "data"} and not {"indptr", "row", "offsets"}.isdisjoint(names)


def check_trusted_data(path: Path, digest: str, trust: Trust) -> None:
    """Check that a pickle is trusted.

    Raises:
        UsageError: The pickle is not trusted; the message says how to trust or convert it.
    """
    if not trust.trusts_all(digest):
        raise UsageError(
            f"{path} is a pickle: reading it runs its author's code. If you trust it, add --trust {path}; or save the "
            "table where it was made: frame.to_parquet('data.parquet')."
        )
