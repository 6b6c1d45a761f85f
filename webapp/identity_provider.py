"""An OpenID Connect provider, asked by the authorization code flow with PKCE; its ID tokens are checked here.

The issuer stands in the settings and everything else in the document that the issuer publishes: no address is ever
taken from a request. Whatever cannot be checked is refused.
"""

import ssl
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from webapp.oidc_errors import OidcNotSetUp, OidcRefused, OidcUnreachable
from webapp.settings import Settings

SCOPE = "openid email profile"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Those that need a key which the provider alone has."""
DISCOVERY = "/.well-known/openid-configuration"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
TIMEOUT_S = 8.0
KEPT_S = 3600.0
KEYS_AGAIN_S = 10.0
PAUSE_AFTER_TROUBLE_S = 3.0
LEEWAY_S = 60
DOCUMENT_MAX_BYTES = 1_000_000
ID_TOKEN_MAX_LENGTH = 65_536
SUBJECT_MAX_LENGTH = 255
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """What a browser keeps between leaving for the provider and coming back."""

    state: str
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class VouchedPerson:
    """Whom the provider vouches for. `email` is empty where the token has none."""

    issuer: str
    subject: str
    email: str
    email_is_verified: bool
    name: str


@dataclass
class _Published:
    """What the provider says of itself, and its keys."""

    document: dict[str, Any]
    keys: KeySet
    until: float
    keys_at: float


class IdentityProvider:
    """One for each process; safe for use by several threads, all of which it may block for some seconds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._published: _Published | None = None
        self._trouble_until = 0.0
        self._lock = threading.Lock()

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        """The authorities that this machine trusts; reading them takes longer than a whole login."""
        return httpx.create_ssl_context()

    def begin(self, redirect_uri: str) -> tuple[str, LoginAttempt]:
        """Return where to send the browser, and what it has to bring back. Raises `OidcNotSetUp`, `OidcUnreachable`."""
        attempt = LoginAttempt(generate_token(43), generate_token(43), generate_token(64))
        document = self._known().document
        with self._http() as http:
            address, _ = self._client(http, redirect_uri).create_authorization_url(
                document["authorization_endpoint"],
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.code_verifier,
            )
        return str(address), attempt

    def finish(self, redirect_uri: str, code: str, attempt: LoginAttempt) -> VouchedPerson:
        """Exchange a code and return who it is. Raises `OidcNotSetUp`, `OidcRefused`, `OidcUnreachable`."""
        known = self._known()
        tokens = self._exchange(known.document, redirect_uri, code, attempt)
        try:
            claims = self._checked_claims(known, tokens, attempt)
            return self._person(known, dict(claims) | self._address_of(known, claims, tokens))
        except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError) as error:
            log.warning("oidc_token_refused", error=type(error).__name__, detail=str(error)[:200])
            raise self._refused("its answer cannot be trusted") from error

    def _exchange(self, document: dict[str, Any], redirect_uri: str, code: str, attempt: LoginAttempt) -> Any:
        with self._http() as http:
            client = self._client(http, redirect_uri)
            try:
                return client.fetch_token(
                    document["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.code_verifier,
                    **self._client_proof(document),
                )
            except AuthlibBaseError as error:
                log.warning("oidc_code_refused", error=str(error)[:200])
                raise self._refused("the login there does not hold any more") from error
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                raise self._unreachable(error) from error

    def _checked_claims(self, known: _Published, tokens: Any, attempt: LoginAttempt) -> CodeIDToken:
        id_token = tokens["id_token"]
        if not isinstance(id_token, str) or len(id_token) > ID_TOKEN_MAX_LENGTH:
            raise ValueError("no ID token")
        signed = self._signed(known, id_token)
        wanted = {
            "iss": {"essential": True, "value": known.document["issuer"]},
            "aud": {"essential": True, "value": self._settings.oidc_client_id},
        }
        given = {
            "nonce": attempt.nonce,
            "client_id": self._settings.oidc_client_id,
            "access_token": tokens.get("access_token"),
        }
        claims = CodeIDToken(signed.claims, signed.header, wanted, given)
        claims.validate(now=int(time.time()), leeway=LEEWAY_S)
        return claims

    def _signed(self, known: _Published, id_token: str) -> jwt.Token:
        """Return what was signed with a key of the provider; keys that are new to us are fetched once."""
        offered = known.document.get("id_token_signing_alg_values_supported") or ["RS256"]
        registry = JWSRegistry(algorithms=[name for name in offered if name in ALGORITHMS], strict_check_header=False)
        try:
            return jwt.decode(id_token, known.keys, registry=registry)
        except InvalidKeyIdError:
            if time.monotonic() - known.keys_at < KEYS_AGAIN_S:
                raise
            known.keys, known.keys_at = self._fetch_keys(known.document), time.monotonic()
            return jwt.decode(id_token, known.keys, registry=registry)

    def _address_of(self, known: _Published, claims: CodeIDToken, tokens: Any) -> dict[str, Any]:
        """Return what the provider says of the person elsewhere, where the ID token is silent on the address."""
        address = known.document.get("userinfo_endpoint")
        if "email" in claims or not isinstance(address, str):
            return {}
        told = self._fetch(address, {"Authorization": f"Bearer {tokens['access_token']}"})
        if told.get("sub") != claims["sub"]:  # OpenID Connect Core 5.3.2
            raise ValueError("told of somebody else")
        return {name: told.get(name) for name in ("email", "email_verified", "preferred_username", "name")}

    def _person(self, known: _Published, claims: dict[str, Any]) -> VouchedPerson:
        subject, email = claims["sub"], claims.get("email")
        if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_MAX_LENGTH:
            raise ValueError("no subject")
        name = claims.get("preferred_username") or claims.get("name")
        return VouchedPerson(
            issuer=known.document["issuer"],
            subject=subject,
            email=email.strip().lower() if isinstance(email, str) else "",
            email_is_verified=claims.get("email_verified") is True or claims.get("email_verified") == "true",
            name=name if isinstance(name, str) else "",
        )

    def _known(self) -> _Published:
        if not self._settings.oidc_issuer:
            raise OidcNotSetUp()
        with self._lock:
            now = time.monotonic()
            if self._published is None or self._published.until < now:
                if now < self._trouble_until:
                    raise OidcUnreachable(name=self._settings.oidc_name)
                document = self._fetch_document()
                self._published = _Published(document, self._fetch_keys(document), now + KEPT_S, now)
            return self._published

    def _fetch_document(self) -> dict[str, Any]:
        issuer = self._settings.oidc_issuer.rstrip("/")
        document = self._fetch(issuer + DISCOVERY)
        scheme = urlsplit(issuer).scheme
        found = [urlsplit(str(document.get(name, ""))) for name in ENDPOINTS]
        if str(document.get("issuer", "")).rstrip("/") != issuer:
            raise self._unreachable(ValueError("the document is that of another issuer"))
        if "userinfo_endpoint" in document:
            found.append(urlsplit(str(document["userinfo_endpoint"])))
        if not all(address.netloc and address.scheme in ("https", scheme) for address in found):
            raise self._unreachable(ValueError("the document lacks an address"))
        return document

    def _fetch_keys(self, document: dict[str, Any]) -> KeySet:
        try:
            return KeySet.import_key_set(self._fetch(document["jwks_uri"]))  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise self._unreachable(error) from error

    def _fetch(self, address: str, proof: dict[str, str] | None = None) -> dict[str, Any]:
        headers = {"Accept": "application/json"} | (proof or {})
        try:
            with self._http() as http, http.stream("GET", address, headers=headers) as answer:
                answer.raise_for_status()
                body = b""
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > DOCUMENT_MAX_BYTES:
                        raise ValueError("the document is too long")
            found = httpx.Response(200, content=body).json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self._unreachable(error) from error
        if not isinstance(found, dict):
            raise self._unreachable(ValueError("the document is no object"))
        return found

    def _http(self) -> httpx.Client:
        return httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, verify=self._trusted)

    def _client(self, http: httpx.Client, redirect_uri: str) -> OAuth2Client:
        return OAuth2Client(
            http,
            client_id=self._settings.oidc_client_id,
            scope=SCOPE,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )

    def _client_proof(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return how we show the provider who asks: by a secret if we have one (RFC 6749, 2.3.1)."""
        client_id, secret = self._settings.oidc_client_id, self._settings.oidc_client_secret.get_secret_value()
        methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if not secret:
            return {"auth": httpx.Auth(), "client_id": client_id}
        if "client_secret_basic" not in methods and "client_secret_post" in methods:
            return {"auth": httpx.Auth(), "client_id": client_id, "client_secret": secret}
        return {"auth": httpx.BasicAuth(quote(client_id, safe=""), quote(secret, safe=""))}

    def _refused(self, detail: str) -> OidcRefused:
        return OidcRefused(name=self._settings.oidc_name, detail=detail)

    def _unreachable(self, error: Exception) -> OidcUnreachable:
        self._trouble_until = time.monotonic() + PAUSE_AFTER_TROUBLE_S
        log.warning("oidc_provider_trouble", error=type(error).__name__, detail=str(error)[:200])
        return OidcUnreachable(name=self._settings.oidc_name)
