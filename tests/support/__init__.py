"""What the tests stand on: real databases, a real browser, accessibility rules. No test lives here."""
