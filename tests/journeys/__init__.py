"""Journeys through the whole product in Chromium, by visible labels and roles only, with real identity providers."""
