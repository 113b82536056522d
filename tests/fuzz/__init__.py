"""Fuzzing what reads bytes of strangers: targets, seeds that are kept, and a driver. `make fuzz` runs long, the tests briefly."""
