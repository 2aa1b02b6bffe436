"""Owns tasks and time: intake, the dispatcher, delivery and reconciling."""
