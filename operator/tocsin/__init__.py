"""Tocsin: a Kubernetes operator that turns signals into Slack messages."""
