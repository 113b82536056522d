"""The command line. One file per command; each reads the settings, calls flows, prints the answer."""
