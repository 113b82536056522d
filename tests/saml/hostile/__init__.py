"""The corpus of hostile messages: each a value with its family, its source and the one reason for which it must be refused."""
