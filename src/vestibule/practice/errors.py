"""Why the practice side refuses. One class per reason."""

from __future__ import annotations

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_


class PracticeError(VestibuleError):
    """Base of every refusal of the practice side."""

    code = "practice"


class RequestUnreadable(PracticeError):
    """The SAMLRequest is not a well-formed AuthnRequest in the encoding of its binding."""

    code = "practice_request_unreadable"
    public = N_("The sign-in request could not be read.")


class RequestIncomplete(PracticeError):
    """The AuthnRequest lacks what an answer needs: an ID, an Issuer or an AssertionConsumerServiceURL."""

    code = "practice_request_incomplete"
    public = N_("The sign-in request does not say who is asking, or where the answer should go.")


class AnswerNotLocal(PracticeError):
    """The answer should go to another machine. Whoever runs the demo must not become a signer for strangers."""

    code = "practice_answer_not_local"
    public = N_("The practice identity provider answers only to this machine.")


class UnknownChoice(PracticeError):
    """The form names a person, a signing mode or a misbehaviour that is not on the page."""

    code = "practice_unknown_choice"
    public = N_("That choice is not on the page. Go back and choose again.")


class NothingToReplay(PracticeError):
    """A replay was asked for before any answer was sent to that address."""

    code = "practice_nothing_to_replay"
    public = N_("There is no earlier response to send again. Sign in once, then replay it.")


class NoEncryptionCertificate(PracticeError):
    """The service provider's entity ID leads to no metadata on this machine, or that has no certificate to encrypt for."""

    code = "practice_no_encryption_certificate"
    public = N_(
        "There is no certificate to encrypt for. It is read from the metadata at the service provider’s entity ID, on this machine only."
    )


class TargetNotLocal(PracticeError):
    """The SCIM base URL leads to another machine, or is none. Whoever runs the demo must not push to strangers."""

    code = "practice_target_not_local"
    public = N_("The practice directory pushes to this machine only. Copy the SCIM base URL that Vestibule shows.")


class TokenUnusable(PracticeError):
    """The token can't stand in a header."""

    code = "practice_token_unusable"
    public = N_("This is not a token. Copy it as Vestibule shows it when it is made.")


class NoTarget(PracticeError):
    """Nobody has said where to push."""

    code = "practice_no_target"
    public = N_("Enter a SCIM base URL and a token first.")


class StepNotNow(PracticeError):
    """The step does not follow from where the person is."""

    code = "practice_step_not_now"
    public = N_("That can’t be done now. Look at the page again: something else was done meanwhile.")


class ForeignPage(PracticeError):
    """Another site's page sent the form."""

    code = "practice_foreign_page"
    public = N_("This can be done from the practice page itself only.")


class AnswerUnexpected(PracticeError):
    """The service provider's answer lacks what the directory needs to go on."""

    code = "practice_answer_unexpected"
    public = N_("The service provider’s answer could not be used.")


class NotLoopback(PracticeError):
    """Somebody tried to offer the practice side on an address that other machines can reach."""

    code = "practice_not_loopback"
    public = N_("The practice side listens on loopback addresses only.")


class ForeignForm(PracticeError):
    """A form of another page wants something of the practice app."""

    code = "practice_foreign_form"
    public = N_("That did not come from a page of this app.")


class NotBelieved(PracticeError):
    """An answer or a token does not verify, or belongs to nothing that this browser asked."""

    code = "practice_not_believed"
    public = N_("The app could not believe the answer that it got. Sign in again.")


class ProviderRefused(PracticeError):
    """Vestibule gave an error instead of a person. The reason is its code."""

    code = "practice_provider_refused"
    public = N_("Vestibule did not sign you in to this app.")


class ProviderSilent(PracticeError):
    """Vestibule did not answer, or not in its protocol."""

    code = "practice_provider_silent"
    public = N_("Vestibule did not answer this app.")
