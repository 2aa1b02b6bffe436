"""Makes the private key that a control plane signs service-account tokens with.

Standard library only: neither openssl nor a cryptography package is needed to start the lab.
"""

import base64
import secrets

# The order of the curve P-256 (SEC 2, section 2.4.2): private keys are 1 to this number less one.
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

# RFC 5915's ECPrivateKey in DER, around the 32 bytes of the key: version 1, the key, the curve's
# object identifier. The public key, which is optional there, is left for the reader to compute.
_BEFORE_KEY = bytes.fromhex("3031020101 0420")
_AFTER_KEY = bytes.fromhex("a00a 0608 2a8648ce3d030107")


def signing_key_pem() -> str:
    """A fresh ECDSA key on P-256, as PEM text of type EC PRIVATE KEY."""
    key = (1 + secrets.randbelow(_P256_ORDER - 1)).to_bytes(32, "big")
    encoded = base64.encodebytes(_BEFORE_KEY + key + _AFTER_KEY).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{encoded}-----END EC PRIVATE KEY-----\n"
