"""Benchmarks print ratios taken in one run; they are no timed tests."""
