"""The pages of end users: sign-in, launch page, refusals."""
