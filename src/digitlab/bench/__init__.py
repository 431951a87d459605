"""Benchmarks that users run: `digitlab bench …`. Each measures two ways in one run and gives their ratio."""
