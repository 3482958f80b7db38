"""What the SDK costs, measured side by side with what lies below it: `python -m benchmarks`."""
