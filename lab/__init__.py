"""What the demo, the tests and the benches run against: real servers, and a stand-in for Slack."""
