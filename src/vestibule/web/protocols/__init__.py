"""The addresses that machines use, whose shapes specifications fix."""
