"""Times the steps of a model, in a process in which nothing else is measured."""
