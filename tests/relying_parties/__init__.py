"""Real relying parties, each its own process, for journeys in a browser: openid-client, the MCP SDK, mod_auth_openidc."""
