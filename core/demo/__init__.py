"""The demonstration: the whole way from a request to a live event, on stand-ins of the services around it."""
