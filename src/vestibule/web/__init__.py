"""The doors: what is reached over HTTP. A door parses the request, calls one flow, renders the answer; no rule lives here."""
