"""The laws of the handler as property-based tests, and the small worlds they run in."""
