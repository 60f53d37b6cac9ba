"""A module whose import configures scikit-learn, NumPy and the environment for a model that lies elsewhere."""

from __future__ import annotations

import os

import numpy as np
import sklearn

from tests.engine.faulty_models import ReliesOnConfiguration

sklearn.set_config(transform_output="pandas")
np.seterr(under="raise")
os.environ["CONFIGURED_BY_THE_MODULE"] = "yes"

model = ReliesOnConfiguration()
