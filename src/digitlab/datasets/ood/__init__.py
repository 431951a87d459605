"""Synthetic out-of-distribution images: `training_images` and, drawn by separate code, `test_images`."""
