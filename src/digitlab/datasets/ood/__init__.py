"""Synthetic out-of-distribution images: `training_images` to learn from, `test_images` to measure with, kept apart."""
