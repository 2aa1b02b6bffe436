"""A stand-in for Slack: Web API, incoming webhooks, rate limits, faults on demand, a page.

`python -m lab.slack` runs it as a process; `lab.slack.server.StandIn` runs it inside a test.
"""
