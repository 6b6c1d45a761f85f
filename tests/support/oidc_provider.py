"""A small OpenID Connect provider, `python -m tests.support.oidc_provider PORT`: people sign in, clients show proof.

It keeps the rules that a provider has to keep: registered return addresses, PKCE, codes that work once. `/control`,
which no real provider has, registers things and makes it lie in the next ID token.
"""

import base64
import hashlib
import hmac
import html
import json
import secrets
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

import uvicorn
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET = "footprints", "a secret: with+odd%signs"
PASSWORD = "at the provider"
CODE_LIFE_S = 60


@dataclass
class State:
    """What the provider knows."""

    issuer: str
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    other_key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    return_addresses: set[str] = field(default_factory=set)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    access: dict[str, dict[str, Any]] = field(default_factory=dict)
    lie: dict[str, Any] = field(default_factory=dict)
    exchanges: int = 0
    discoveries: int = 0


class Provider:
    """The endpoints."""

    def __init__(self, issuer: str) -> None:
        self.state = State(issuer)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/keys", self.keys),
                Route("/authorize", self.authorize, methods=["GET", "POST"]),
                Route("/token", self.token, methods=["POST"]),
                Route("/userinfo", self.userinfo),
                Route("/control", self.control, methods=["POST"]),
            ]
        )

    async def discovery(self, request: Request) -> Response:
        issuer = self.state.issuer
        self.state.discoveries += 1
        return JSONResponse(
            {
                "issuer": self.state.lie.get("issuer", issuer),
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/keys",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                # A careless provider: it offers more than may be believed.
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def keys(self, request: Request) -> Response:
        return JSONResponse({"keys": [self.state.key.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        """Show a form for name and password, and take it."""
        asked = dict(request.query_params)
        wrong = (
            asked.get("client_id") != CLIENT_ID
            or asked.get("redirect_uri") not in self.state.return_addresses
            or asked.get("response_type") != "code"
            or asked.get("code_challenge_method") != "S256"
            or len(asked.get("code_challenge", "")) != 43
            or "openid" not in asked.get("scope", "").split()
        )
        if wrong:
            return HTMLResponse("this client is not known here", 400)
        if request.method == "GET":
            return HTMLResponse(f'<form method="post" action="?{html.escape(urlencode(asked))}">')
        form = parse_qs((await request.body()).decode())
        person = self.state.people.get(form.get("username", [""])[0])
        if person is None or form.get("password", [""])[0] != PASSWORD:
            back = {"error": "access_denied", "state": asked["state"]}
        else:
            code = secrets.token_urlsafe(32)
            self.state.codes[code] = {"asked": asked, "person": person, "until": time.time() + CODE_LIFE_S}
            back = {"code": code, "state": asked["state"], "iss": self.state.issuer}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 303)

    async def token(self, request: Request) -> Response:
        """Exchange a code, once, for an ID token."""
        self.state.exchanges += 1
        kind, _, proof = request.headers.get("authorization", "").partition(" ")
        given = [unquote(part) for part in base64.b64decode(proof).decode().split(":")] if kind == "Basic" else []
        if given != [CLIENT_ID, CLIENT_SECRET]:
            return JSONResponse({"error": "invalid_client"}, 401)
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        begun = self.state.codes.pop(form.get("code", ""), None)
        if begun is None or begun["until"] < time.time() or form.get("grant_type") != "authorization_code":
            return JSONResponse({"error": "invalid_grant"}, 400)
        challenge = create_s256_code_challenge(form.get("code_verifier", ""))
        if challenge != begun["asked"]["code_challenge"] or form.get("redirect_uri") != begun["asked"]["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        tokens = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 60}
        tokens["id_token"] = self.id_token(begun)
        self.state.access[tokens["access_token"]] = begun["person"]
        return JSONResponse(tokens | self.state.lie.get("tokens", {}))

    async def userinfo(self, request: Request) -> Response:
        """Tell of the person to whom an access token belongs."""
        person = self.state.access.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        return JSONResponse(person | self.state.lie.get("userinfo", {})) if person else Response(status_code=401)

    def id_token(self, begun: dict[str, Any]) -> str:
        lie, now = self.state.lie, int(time.time())
        claims = {
            "iss": self.state.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": begun["asked"].get("nonce"),
        }
        claims |= begun["person"] | lie.get("claims", {})
        claims = {name: value for name, value in claims.items() if name not in lie.get("without", [])}
        header = {"alg": "RS256", "kid": "one"} | lie.get("header", {})
        if header["alg"] == "RS256":
            return jwt.encode(header, claims, self.state.other_key if lie.get("other_key") else self.state.key)
        text = b".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        public = self.state.key.as_pem(private=False)
        mark = hmac.new(public, text, hashlib.sha256).digest() if header["alg"] == "HS256" else b""
        return (text + b"." + _encoded(mark)).decode()

    async def control(self, request: Request) -> Response:
        """Register people and return addresses, or lie from now on; answer what was counted."""
        wish = await request.json()
        self.state.people |= wish.get("people", {})
        self.state.return_addresses |= set(wish.get("return_addresses", []))
        if "lie" in wish:
            self.state.lie = wish["lie"]
        if wish.get("new_key"):
            self.state.key = RSAKey.generate_key(2048, {"kid": wish["new_key"], "use": "sig"})
        return JSONResponse({"exchanges": self.state.exchanges, "discoveries": self.state.discoveries})


def _encoded(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")


if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(Provider(f"http://127.0.0.1:{port}").app(), host="127.0.0.1", port=port, log_level="warning")
