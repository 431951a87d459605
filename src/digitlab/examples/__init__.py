"""Synthetic photos and videos of handwriting with their ground truth, for demonstrations, benchmarks and tests."""
