"""Weights: train, evaluate, export and look up the checkpoints that the detectors use."""
