"""The engine: operations, requests, retries, tokens and the calls made of them, without I/O."""
