"""The other side, for the demo and for tests: an identity provider to practise with. Only the demo knows it."""
