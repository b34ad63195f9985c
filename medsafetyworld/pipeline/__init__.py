"""Runs the rooms in order: stages of one model, many models in worker processes, resume, plan, run directory."""
