"""OpenID Connect and OAuth as pure protocol: strings in, values out; no I/O, no clock, no database."""
