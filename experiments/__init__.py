"""Experiments: one module a question, each runnable as `python -m experiments.NAME`."""
