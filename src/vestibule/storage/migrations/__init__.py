"""The one history of migrations for both engines."""
