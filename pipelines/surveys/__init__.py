"""Surveys: the forms that go out, the answers that come back through the gate, their approval and deadlines."""
