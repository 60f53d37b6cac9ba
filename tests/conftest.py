"""Settings of all tests."""

from __future__ import annotations

import os
import sys

# Hundreds of tests start Python processes. Each would compile all modules anew if none may write bytecode.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
