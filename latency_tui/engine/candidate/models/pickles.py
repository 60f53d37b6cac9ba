"""Loads pickles, and explains failures: a missing module or class, or another version of a library."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import importlib.metadata
import importlib.util
import io
import lzma
import re
import sys
import types
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from latency_tui.engine.candidate.error_messages import extract_cause, summarize_exception
from latency_tui.engine.user_imports import import_with_fallback

T = TypeVar("T")

PACKAGES = {
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "skimage": "scikit-image",
    "imblearn": "imbalanced-learn",
    "category_encoders": "category-encoders",
    "sklearn_pandas": "sklearn-pandas",
    "feature_engine": "feature-engine",
    "surprise": "scikit-surprise",
    "skopt": "scikit-optimize",
    "bs4": "beautifulsoup4",
    "fbprophet": "prophet",
}
"""Modules whose package has another name on the index."""

_MISSING_NAME = (
    re.compile(r"Can't get (?:local )?attribute '(?P<name>[^']+)' on <module '(?P<module>[^']+)'"),
    re.compile(r"module '(?P<module>[^']+)' has no attribute '(?P<name>[^']+)'"),
    re.compile(r"cannot import name '(?P<name>[^']+)' from '(?P<module>[^']+)'"),
)
_COMMON_USER_MODULES = {
    "src",
    "utils",
    "util",
    "helpers",
    "models",
    "model",
    "train",
    "features",
    "preprocessing",
    "lib",
    "common",
    "app",
}
_SKLEARN_VERSION = re.compile(rb"_sklearn_version.{0,12}?(\d+\.\d+(?:\.\w+)*)", re.DOTALL)
_MAX_SCANNED = 2**26


def load_pickle(content: bytes, folders: Sequence[str] = ()) -> tuple[Any, str]:
    """Load a pickle, possibly compressed by joblib; return the object and, if it differs, the scikit-learn version.

    Classes that were defined in the user's script are searched in an empty `__main__`, not in that of this program.
    """
    import joblib  # deferred: comes with scikit-learn; it reads its own compressed files and plain pickles alike

    with warnings.catch_warnings(record=True) as caught, _empty_main():
        warnings.simplefilter("always")
        model = import_with_fallback(lambda: joblib.load(io.BytesIO(content)), folders)
    made_with = ""
    for warning in caught:
        if found := getattr(warning.message, "original_sklearn_version", ""):
            made_with = made_with or str(found)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return model, made_with


def unpickle(action: Callable[[], T], folders: Sequence[str]) -> T:
    """Call a function that unpickles, with an empty `__main__`."""
    with _empty_main():
        return import_with_fallback(action, folders)


def version_note(version: str) -> str:
    """Return a phrase with the scikit-learn version that saved a model; empty if it is the installed one."""
    here = _version_of("scikit-learn")
    return f"saved with scikit-learn {version}, but {here} is installed" if version and version != here else ""


def find_sklearn_version(content: bytes) -> str:
    """Return the scikit-learn version in the content of a pickle; empty if it is unknown."""
    found = _SKLEARN_VERSION.search(_uncompressed(content))
    return found[1].decode() if found else ""


def explain_failure(error: Exception, content: bytes = b"") -> str:
    """Return why a pickle could not be loaded, and what to do, as the end of a sentence."""
    made = version_note(find_sklearn_version(content))
    message = extract_cause(error)
    if isinstance(error, ModuleNotFoundError):
        return _explain_missing_module(error.name or "", made, message)
    lacking = next((found for one in _MISSING_NAME if (found := one.search(message))), None)
    if isinstance(error, AttributeError | ImportError) and lacking:
        name, module = lacking["name"], lacking["module"]
        if module == "__main__":
            return (
                f"it needs {name}, which was defined in the script or notebook that saved it (__main__) and is not in "
                f"the file; move {name} to a module and save the model again, or save it with cloudpickle"
            )
        return _explain_missing_name(name, module, made)
    if made:
        because, _, _ = summarize_exception(error).partition(": expected: {")  # the rest lists array types
        return f"it was {made} ({because}); install that version, or save the model again with this one"
    if isinstance(error, AttributeError | ImportError):
        return f"it was saved with another version of a library ({message})"
    if isinstance(error, EOFError) or "truncated" in message or "Ran out of input" in message:
        return "it is truncated"
    return f"it is truncated, damaged or of another version ({summarize_exception(error)})"


def _explain_missing_module(name: str, made: str, message: str) -> str:
    top = name.partition(".")[0]
    if top != name and _is_installed(top):
        package = _package_of(top)
        if package:
            versions = made if made and package == "scikit-learn" else f"saved with another version of {package}"
            here = "" if made and package == "scikit-learn" else f" than the installed {_version_of(package)}"
            return f"it was {versions}{here}, which has no module {name}; install the version that saved it"
        return f"it needs the module {name}, which {top} does not have; put it where latency-tui is started"
    if not name:
        return message
    install = "" if top in _COMMON_USER_MODULES else f"pip install {PACKAGES.get(top, top.replace('_', '-'))}, or "
    return (
        f"it needs the module {name}, which is not installed: {install}if {top} is your own module, start "
        "latency-tui in the folder that contains it"
    )


def _explain_missing_name(name: str, module: str, made: str) -> str:
    top = module.partition(".")[0]
    package = _package_of(top)
    if package == "scikit-learn" and made:
        return (
            f"it was {made}, which has no {module}.{name}; install that version, or save the model again with this one"
        )
    if package:
        here = f"{package} than the installed {_version_of(package)}"
        return f"it was saved with another version of {here}, which has no {module}.{name}"
    where = getattr(sys.modules.get(module), "__file__", "") or module
    return f"it needs {name} of the module {module}, and {where} does not define it"


def _package_of(top: str) -> str:
    """Return the installed package that contains a module; empty for a user's module."""
    if top in sys.stdlib_module_names:
        return "Python"
    found = importlib.metadata.packages_distributions().get(top, ())
    return found[0] if found else ""


def _version_of(package: str) -> str:
    if package == "Python":
        return sys.version.partition(" ")[0]
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _is_installed(top: str) -> bool:
    try:
        return top in sys.modules or importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _uncompressed(content: bytes) -> bytes:
    for magic, unpack in (
        (b"\x1f\x8b", gzip.decompress),
        (b"BZh", bz2.decompress),
        (b"\xfd7zXZ", lzma.decompress),
        (b"\x5d\x00\x00", lzma.decompress),
        (b"\x78", zlib.decompress),
    ):
        if content.startswith(magic):
            try:
                return unpack(content)[:_MAX_SCANNED]
            except (OSError, zlib.error, lzma.LZMAError, EOFError):
                return b""
    return content[:_MAX_SCANNED]


@contextlib.contextmanager
def _empty_main() -> Iterator[None]:
    """Replace `__main__` by an empty module, so that a pickle does not find this program's names there."""
    ours = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = ours
