"""The doors: parse a request, call one flow, render the answer. No rule lives here, and no door touches storage."""
