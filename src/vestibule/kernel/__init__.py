"""The cellar: errors, clock, ids, secrets and text. Knows nothing of the product."""
