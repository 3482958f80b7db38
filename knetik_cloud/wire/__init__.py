"""One HTTP exchange, free of I/O, and the two pipes that it runs over: blocking and asyncio."""
