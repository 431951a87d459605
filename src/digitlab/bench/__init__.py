"""Benchmarks for users: `digitlab bench …`. Each measures digitlab and its alternatives in one run."""
