"""The console of workspace admins."""
