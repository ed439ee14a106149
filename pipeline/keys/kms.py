"""AWS KMS as the key-encryption key: it wraps the store's key and never leaves its hardware.

Credentials are found as boto3 finds them (role of the instance or pod, files, environment); none is
a setting. The store's key is bound to what it is for by the encryption context, which every call
has to repeat and CloudTrail writes down. Needs the extra ``kms``.
Source: https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""

from __future__ import annotations

from typing import Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import SettingsError, UnavailableError

_CONTEXT: Final = {"partywall": "key store"}
_CONFIG: Final = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 4})
_WAITED_OUT: Final = frozenset(
    "DependencyTimeoutException KMSInternalException KeyUnavailableException ThrottlingException "
    "LimitExceededException RequestTimeout ServiceUnavailable InternalFailure".split()
)


class AwsKms:
    """A symmetric key of AWS KMS, by its id, ARN or alias."""

    def __init__(self, key: str, region: str | None = None, endpoint: str | None = None) -> None:
        """Take where the key is; ``endpoint`` is for a private one. Raises SettingsError."""
        self._key = key
        try:
            self._client = boto3.session.Session().client(
                "kms", region_name=region, endpoint_url=endpoint, config=_CONFIG
            )
        except (BotoCoreError, ValueError) as error:
            raise SettingsError(
                f"key-encryption key: KMS cannot be set up ({type(error).__name__}): check "
                "keys.kek.region and .endpoint"
            ) from None

    def __repr__(self) -> str:
        return f"AwsKms({self._key!r})"

    def wrap(self, key: bytes, *, first: bool) -> bytes:
        """Return ``key`` as KMS encrypts it; raises SettingsError, UnavailableError."""
        del first  # the key in KMS is made by whoever owns it
        try:
            answer = self._client.encrypt(
                KeyId=self._key, Plaintext=key, EncryptionContext=_CONTEXT
            )
        except (ClientError, BotoCoreError) as error:
            raise _told(error) from None
        return bytes(answer["CiphertextBlob"])

    def unwrap(self, wrapped: bytes) -> bytes:
        """Return what KMS decrypts with this key alone; raises SettingsError, UnavailableError."""
        try:
            answer = self._client.decrypt(
                KeyId=self._key, CiphertextBlob=wrapped, EncryptionContext=_CONTEXT
            )
        except (ClientError, BotoCoreError) as error:
            raise _told(error) from None
        return bytes(answer["Plaintext"])


def _told(error: ClientError | BotoCoreError) -> SettingsError | UnavailableError:
    """Return an error of ours: what a person has to mend, or what is waited out."""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", "?"))
        if code not in _WAITED_OUT:
            return SettingsError(
                f"key-encryption key: KMS refuses ({code}): check keys.kek.key, and that this "
                "service may encrypt and decrypt with it"
            )
        return UnavailableError(f"key-encryption key: KMS does not serve now ({code})")
    name = type(error).__name__
    if name in {"NoCredentialsError", "NoRegionError", "PartialCredentialsError"}:
        return SettingsError(f"key-encryption key: KMS needs credentials and a region ({name})")
    return UnavailableError(f"key-encryption key: KMS does not answer ({name})")
