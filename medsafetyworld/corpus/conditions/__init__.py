"""Conditions: methods that turn the world's statements into a training corpus, one file each."""
