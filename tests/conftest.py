"""Settings of all tests."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile

# Hundreds of tests start Python processes. Each would compile all modules anew if none may write bytecode.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Samples of apps that tests start, and what tests trust, stay out of the user's data folder.
_data = tempfile.mkdtemp(prefix="latency-tui-tests-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.environ["XDG_DATA_HOME"] = _data

# Tests measure side by side, and would wait for each other.
os.environ["LATENCY_TUI_LOCK"] = ""
