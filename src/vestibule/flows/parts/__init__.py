"""What flows share. Flows may use these; a flow may not use another flow."""
