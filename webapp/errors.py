"""Errors of the application, beside those of the core (`processing.errors`). No framework is known here."""

from typing import Any, ClassVar


class AppError(Exception):
    """A problem with a stable `code`, and `parameters` (plain JSON values) that its sentence uses."""

    code: ClassVar[str] = "AppError"
    template: ClassVar[str] = "The request failed."

    def __init__(self, **parameters: Any) -> None:
        self.parameters = parameters
        super().__init__(self.template.format(**parameters))


class SettingInvalid(AppError):
    """A setting has a value that cannot be used."""

    code = "SettingInvalid"
    template = "The setting {name} cannot be used: {detail}."


class NotFound(AppError):
    """It is not there, or it belongs to somebody else."""

    code = "NotFound"
    template = "There is no {kind} {id}."


class CredentialsWrong(AppError):
    """Unknown user, wrong password or disabled account: the answer is the same."""

    code = "CredentialsWrong"
    template = "The user name or the password is wrong."


class NotSignedIn(AppError):
    """The request carries no valid session or token."""

    code = "NotSignedIn"
    template = "Sign in first."


class RefreshTokenInvalid(AppError):
    """The refresh token is unknown, used up or expired."""

    code = "RefreshTokenInvalid"
    template = "The refresh token is not valid. Sign in again."


class Forbidden(AppError):
    """The user may not do this."""

    code = "Forbidden"
    template = "You may not do this: {detail}."


class CsrfTokenInvalid(AppError):
    """An unsafe request with a cookie lacks the session's token, or comes from another site."""

    code = "CsrfTokenInvalid"
    template = "The request does not come from this site's pages. Load the page again."


class TooManyLogins(AppError):
    """More passwords wait to be checked than the server takes at once."""

    code = "TooManyLogins"
    template = "Too many people are signing in. Try again in {retry_after_s} seconds."


class LoginDelayed(AppError):
    """Too many wrong passwords for this account from this address: the next try has to wait."""

    code = "LoginDelayed"
    template = "Too many wrong passwords. Try again in {retry_after_s} seconds."


class LastAdministrator(AppError):
    """Without an administrator nobody could let anybody in again."""

    code = "LastAdministrator"
    template = "{username} is the last active administrator and has to stay one."


class CallLimitExceeded(AppError):
    """More calls within the window than the tier, or an address that has not signed in, may make."""

    code = "CallLimitExceeded"
    template = "The limit of {limit} calls in {window_s} seconds is reached. Try again in {retry_after_s} seconds."


class QuotaExceeded(AppError):
    """The tier gives no more of this kind for now."""

    code = "QuotaExceeded"
    template = (
        "Your limit of {limit} {kind} in one {period} is reached. "
        "Try again in {retry_after_s} seconds, or ask the administrator for a higher tier."
    )


class HostNotAllowed(AppError):
    """The request names a host that is not ours; a name that was bound to our address by somebody else, perhaps."""

    code = "HostNotAllowed"
    template = "This server does not answer to the name {host}. List it in TRUSTED_HOSTS."


class MediaTypeNotAllowed(AppError):
    """The request's body comes in a form that is not taken."""

    code = "MediaTypeNotAllowed"
    template = "The request's {header} is {value}; {rule}."


class RequestTooLarge(AppError):
    """A body that is no upload is larger than any honest one."""

    code = "RequestTooLarge"
    template = "The request is larger than the limit of {limit_bytes} bytes."


class UploadStalled(AppError):
    """Nothing has arrived for too long."""

    code = "UploadStalled"
    template = "{name} stopped arriving; nothing came for {waited_s} seconds. Send it again."


class TilesNotReady(AppError):
    """A large scene's overview is being made."""

    code = "TilesNotReady"
    template = "The overview of {name} is being made. Try again in {retry_after_s} seconds."


class IndexNotReady(AppError):
    """The footprint index is being built from the database."""

    code = "IndexNotReady"
    template = "The map of all buildings is being prepared. Try again in {retry_after_s} seconds."


class UsernameTaken(AppError):
    """The name or the e-mail address belongs to an account."""

    code = "UsernameTaken"
    template = "There is an account with this {field} already."


class AccountInvalid(AppError):
    """A field of a new account breaks a rule."""

    code = "AccountInvalid"
    template = "The {field} cannot be used: {rule}."


class RegistrationClosed(AppError):
    """Accounts are made by the administrator here."""

    code = "RegistrationClosed"
    template = "Nobody can register here. Ask the administrator for an account."


class MailNotSetUp(AppError):
    """There is no mail server to send a link with."""

    code = "MailNotSetUp"
    template = "This installation sends no mail. Ask the administrator."


class MailTokenInvalid(AppError):
    """The link from a mail is unknown, used or too old."""

    code = "MailTokenInvalid"
    template = "This link does not work any more. Ask for a new one."


class TooManyApiKeys(AppError):
    """More keys than anybody keeps apart."""

    code = "TooManyApiKeys"
    template = "There are {limit} API keys already. Revoke one first."


class RequestInvalid(AppError):
    """The request's form is wrong."""

    code = "RequestInvalid"
    template = "The request cannot be understood: {detail}."


class BboxInvalid(AppError):
    """The bounding box is not four finite degrees in range."""

    code = "BboxInvalid"
    template = "The bounding box cannot be used: {detail}."


class FormatUnknown(AppError):
    """No such export format."""

    code = "FormatUnknown"
    template = "{format} is not an export format; use one of {allowed}."


class UploadTooLarge(AppError):
    """More bytes than the limit."""

    code = "UploadTooLarge"
    template = "{name} is larger than the limit of {limit_bytes} bytes."


class UploadIncomplete(AppError):
    """The body ended before, or went on after, its announced size."""

    code = "UploadIncomplete"
    template = "{name} arrived with {received_bytes} of {size_bytes} bytes. Send it again."


class UploadEmpty(AppError):
    """A file without content."""

    code = "UploadEmpty"
    template = "{name} is empty."


class DiskFull(AppError):
    """No room left on the server; what was half written is removed."""

    code = "DiskFull"
    template = "The server has no room left on its disk. Nothing was kept; try again when there is space."


class StorageUnavailable(AppError):
    """The object storage does not answer, or has lost a file."""

    code = "StorageUnavailable"
    template = "The stored file cannot be reached: {detail}."


class SceneInUse(AppError):
    """The scene has jobs that are not finished."""

    code = "SceneInUse"
    template = "The scene {name} has unfinished jobs. Cancel them first."


class ImportInUse(AppError):
    """The import is not finished."""

    code = "ImportInUse"
    template = "The import of {name} is not finished. Cancel it first."


class ImportDiffers(AppError):
    """A later attempt read other footprints than an earlier one has stored: nothing can be published."""

    code = "ImportDiffers"
    template = "{name} holds {kept} buildings, but {stored} were stored. Import it again."


class DatabaseBusy(AppError):
    """No connection, or no lock, within the time allowed."""

    code = "DatabaseBusy"
    template = "The database is busy or down. Try again in a moment."


class BrokerUnavailable(AppError):
    """The broker does not answer; jobs wait in the database."""

    code = "BrokerUnavailable"
    template = "The broker cannot be reached: {detail}."


class WorkerMemoryExceeded(AppError):
    """A job or an export needed more memory than one may have on this server; it is not tried again."""

    code = "WorkerMemoryExceeded"
    template = (
        "It was ended because it needed more than the {limit_mb} MB of memory that one job may have here "
        "(WORKER_MEMORY_MB). Try smaller windows, or a smaller file."
    )


class LeaseLost(AppError):
    """The job is somebody else's by now, or finished: nothing may be written in its name."""

    code = "LeaseLost"
    template = "Job {job_id} is no longer held by attempt {attempt}."
