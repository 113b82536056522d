"""Vestibule: the self-hosted front room of a company's own apps."""

__version__ = "0.1.0"
