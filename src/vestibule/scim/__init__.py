"""SCIM 2.0 (RFC 7643, 7644, 9865) as pure functions: bytes and dicts in, values out. No I/O, no clock, no database."""
