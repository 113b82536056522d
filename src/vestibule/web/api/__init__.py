"""The API for programs: JSON by the bearer token of an API client, and its description."""
