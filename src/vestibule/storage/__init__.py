"""Tables, queries and migrations: the only place that knows SQL. Returns dataclasses of `directory`; decides nothing."""
