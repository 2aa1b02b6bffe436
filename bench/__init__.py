"""Benches and fault runs: what Tocsin promises, measured against real servers.

`python -m bench` measures, `python -m bench.faults` kills and counts. Nothing here is imported by
the operator or by the lab.
"""
