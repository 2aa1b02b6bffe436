"""One module for each step from a schema version to the next; never changed once released."""
