"""Our nouns as frozen dataclasses, and the pure rules about them. No I/O, no clock, no database."""
