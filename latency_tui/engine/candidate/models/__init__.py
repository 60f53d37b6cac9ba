"""Loading, adapting and converting models in a candidate's process."""
