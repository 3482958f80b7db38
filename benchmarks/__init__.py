"""The benchmarks of the SDK against the libraries below it: `python -m benchmarks`."""
