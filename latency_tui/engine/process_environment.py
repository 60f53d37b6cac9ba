"""The environment of the processes that run models: telemetry is disabled, and temporary files are removed."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

TELEMETRY_OPT_OUTS = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime: a database and a device id in the home folder, and DNS look-ups
    "DO_NOT_TRACK": "1",  # consoledonottrack.com: vLLM, Prefect, Kedro, Evidently and others
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DISABLE_TELEMETRY": "1",  # older versions of the Hugging Face libraries
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
    "NO_ALBUMENTATIONS_UPDATE": "1",  # looks for updates on import
    "DISABLE_LATEST_VERSION_CHECK": "True",  # Deepchecks, likewise
    "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
}
"""Environment variables that stop libraries from reporting use; read when a library is imported."""

LOCK_VARIABLE = "LATENCY_TUI_LOCK"
"""Environment variable that names the lock file of this machine; empty to measure beside other measurements."""

_TEMPORARY = "t"


def disable_telemetry(environment: MutableMapping[str, str] | None = None) -> MutableMapping[str, str]:
    """Set the variables that disable telemetry in an environment, or in a copy of `os.environ`, and return it."""
    environment = dict(os.environ) if environment is None else environment
    environment.update(TELEMETRY_OPT_OUTS)
    return environment


def set_temporary_folder(folder: Path) -> None:
    """Make this process and its children put temporary files into a folder that is removed with the engine.

    Measuring processes are killed, so files that a library removes at exit would remain. The name is short, because
    the path of a socket in it may have at most 104 characters on macOS.
    """
    temporary = folder / _TEMPORARY
    try:
        make_private_folder(folder)
    except OSError:  # most models need no temporary files
        return
    os.environ.update(dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(temporary)))
    tempfile.tempdir = None
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 (Path.expanduser raises if there is no home)
    if not any((home / part / "matplotlib").exists() for part in (".config", ".cache")):
        os.environ.setdefault("MPLCONFIGDIR", str(temporary))


def make_private_folder(folder: Path) -> None:
    """Create a folder that only this user can read, with a folder for temporary files, unless they exist.

    Raises:
        OSError: The folder cannot be created, or belongs to another user.
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
    """Return the parent of temporary folders: None for the default, `/tmp` if the default is not valid UTF-8."""
    try:
        tempfile.gettempdir().encode()
    except UnicodeEncodeError:
        return "/tmp"  # noqa: S108 (the folder in it gets a random name)
    except OSError:  # there is no usable folder; creating one will raise
        return None
    return None
