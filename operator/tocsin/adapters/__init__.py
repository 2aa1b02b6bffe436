"""Implement the ports: Slack, the API server, the store."""
