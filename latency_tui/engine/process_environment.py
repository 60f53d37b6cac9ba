"""The environment of all processes that measure or inspect a model: none sends data home or leaves files behind."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

TELEMETRY_OPT_OUTS = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime: a database and a device id in the home folder, look-ups of a host
    "DO_NOT_TRACK": "1",  # consoledonottrack.com: vLLM, Prefect, Kedro, Evidently and others
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DISABLE_TELEMETRY": "1",  # of older versions of the Hugging Face libraries
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_MODE": "disabled",
    "COMET_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "BENTOML_DO_NOT_TRACK": "True",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "KEDRO_DISABLE_TELEMETRY": "1",
    "GX_ANALYTICS_ENABLED": "False",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "ANONYMIZED_TELEMETRY": "False",  # Chroma, PostHog
    "SCARF_NO_ANALYTICS": "true",
    "WHYLOGS_NO_ANALYTICS": "True",
    "YDATA_PROFILING_NO_ANALYTICS": "True",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "DVC_NO_ANALYTICS": "1",
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",  # asks for the latest version when it is imported
    "DISABLE_LATEST_VERSION_CHECK": "True",  # Deepchecks, likewise
    "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
}
"""Environment variables that stop libraries from reporting use; read when a library is imported."""

_TEMPORARY = "t"


def disable_telemetry(environment: MutableMapping[str, str] | None = None) -> MutableMapping[str, str]:
    """Set the switches, whatever they were, and return the environment; without one, in a copy of this process's."""
    environment = dict(os.environ) if environment is None else environment
    environment.update(TELEMETRY_OPT_OUTS)
    return environment


def set_temporary_folder(folder: Path) -> None:
    """Have this process, and those it starts, put temporary files into a folder that goes with the engine.

    Processes that measure are killed, so what a library removes at exit would stay. The name is short because sockets
    are made in there, whose paths may have 104 characters on macOS.
    """
    temporary = folder / _TEMPORARY
    try:
        make_private_folder(folder)
    except OSError:  # models that need none are measured all the same
        return
    os.environ.update(dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(temporary)))
    tempfile.tempdir = None
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 (which raises if there is no home)
    if not any((home / part / "matplotlib").exists() for part in (".config", ".cache")):
        os.environ.setdefault("MPLCONFIGDIR", str(temporary))


def make_private_folder(folder: Path) -> None:
    """Make a folder for this user alone, and the one for temporary files in it; those that are there are kept.

    Raises:
        OSError: It cannot be made, or is not this user's.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for one in (folder, folder / _TEMPORARY):
        try:
            one.mkdir(mode=0o700)
        except FileExistsError:
            found = one.lstat()
            if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode):
                raise


def temporary_parent() -> str | None:
    """Return where to make temporary folders: None for the usual place, `/tmp` if that cannot be written as text."""
    try:
        tempfile.gettempdir().encode()
    except UnicodeEncodeError:
        return "/tmp"  # noqa: S108 (a folder with a random name is made in it)
    except OSError:  # there is no usable folder: said when one is made
        return None
    return None
