"""Where the outside comes in: kopf handlers, HTTP intake, authentication, probes and metrics."""
