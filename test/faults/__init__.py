"""The fault table: what a hostile network, a broken server or a careless caller do, and what comes of it."""
