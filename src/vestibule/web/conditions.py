"""Who may enter, in words: what is read of each condition, the same in the console and in the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vestibule.directory.entry import Condition
from vestibule.kernel.text import N_

# Where it holds, and where it does not.
CONDITIONS: Final[Mapping[Condition, tuple[str, str]]] = {
    Condition.PERSON_ACTIVE: (N_("The account is not deactivated."), N_("The account is deactivated.")),
    Condition.ENVIRONMENT_ACCESS: (
        N_("The person has access to the environment."),
        N_("The person has no access to the environment."),
    ),
    Condition.APP_ENABLED: (N_("The app is enabled."), N_("The app is disabled.")),
    Condition.APP_GROUPS: (
        N_("The app’s groups allow the person."),
        N_("The person is in none of the groups that may use the app."),
    ),
    Condition.SAML_SIGN_IN: (
        N_("The way that they signed in is allowed."),
        N_("They signed in with a password, and have to come through their identity provider now."),
    ),
    Condition.SESSION_LIVE: (N_("Their browser session is live."), N_("Their browser session has ended.")),
    Condition.SESSION_FRESH: (N_("They signed in recently enough."), N_("They signed in too long ago.")),
}
