"""Synthetic out-of-distribution images: `training_images` and, by other code, `test_images`."""
