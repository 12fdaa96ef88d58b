"""A GitHub App that the stand-in knows."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from core.demo.stand_ins.github.hub import GitHubStandIn


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def app_of(hub: GitHubStandIn) -> dict[str, str]:
    """Let the stand-in know the app; return its settings, the key on one line as in an environment file."""
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    hub.app_public_key = _key().public_key().public_bytes(serialization.Encoding.PEM, public).decode()
    private, nothing = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    pem = _key().private_bytes(serialization.Encoding.PEM, private, nothing).decode()
    return {
        "GITHUB_APP_ID": hub.app_id,
        "GITHUB_APP_PRIVATE_KEY": pem.replace("\n", "\\n"),
        "GITHUB_REPOSITORY": "acme/app",
        "GITHUB_API_URL": hub.url,
    }
