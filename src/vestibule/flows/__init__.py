"""One file, one subject; one function, one sentence of the product. A flow opens one transaction and commits once. No HTTP."""
