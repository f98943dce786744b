"""What the core's tests need of the machine."""

import sys
from types import ModuleType

from oscrypto.errors import LibraryNotFoundError

try:
    import certvalidator  # noqa: F401
except LibraryNotFoundError:
    # python-cwt, the oracle of the signed codes, imports certvalidator for chains of certificates, which no test here
    # asks of it; and that library's own library takes "3.0.19" for no version of OpenSSL at all.
    absent = ModuleType("certvalidator")
    absent.CertificateValidator = absent.ValidationContext = None
    sys.modules["certvalidator"] = absent
