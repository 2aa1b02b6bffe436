"""Pure: a payload in, signals out; one file a source."""
