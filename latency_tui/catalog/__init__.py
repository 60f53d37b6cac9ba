"""From names to values: built-in models, the configuration, files of models and data, import paths, trust."""
