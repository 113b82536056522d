"""Real identity providers, each its own process, for journeys in a browser: pysaml2's, samlp's from npm, the practice one."""

from tests.idps.processes import RunningIdp, ServiceProvider, misbehave, practice_idp, pysaml2_idp, samlp_idp

__all__ = ["RunningIdp", "ServiceProvider", "misbehave", "practice_idp", "pysaml2_idp", "samlp_idp"]
