"""The data that is sent and received: models, the types of their fields, instants and JSON."""
