"""The command line and what `make generate` runs."""
