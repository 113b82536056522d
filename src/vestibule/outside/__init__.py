"""The ways out of the house: the guarded HTTP client and mail. The only place that opens a socket to somebody else."""
