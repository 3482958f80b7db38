"""The engine: operations, calls, models and their JSON, free of any I/O."""
