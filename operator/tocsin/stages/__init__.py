"""Pure: (data, now) -> data; one gerund a file. Only the dispatcher knows their order."""
