"""The SAML service provider, pure: bytes in, values out; no I/O, no clock, no database. Could be published alone."""
