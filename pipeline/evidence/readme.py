"""``README.txt``: what a bundle says of itself to whoever opens it with any ZIP tool."""

from __future__ import annotations

from typing import Final

TEXT: Final = """\
EVIDENCE BUNDLE OF PARTYWALL, VERSION 1

This archive holds records of server logs that were taken out of a sealed store for one case, and
what is needed to tell whether they are still what was taken out.

  manifest.json   case, requester, category of the reason, time, and of each file below its size
                  and SHA-256
  manifest.sig    the signature: a text with the SHA-256 of manifest.json, and an Ed25519 signature
  records.jsonl   the records, a JSON object a line. Times are seconds since 1970-01-01 UTC
  records.csv     the same records as a table (RFC 4180)
  custody.json    the chain of custody: who did what with the records, and when
  policy.yaml     the privacy policy in force when the records were collected
  scope.json      what the case allowed to be looked for
  audit.json      proof that this export was written into the audit log
  README.txt      this text

In records.csv an empty field means that there is no value. A text is in double quotes, and has an
apostrophe (') before it where it is empty, begins with an apostrophe, with a sign that a
spreadsheet takes for the beginning of a formula, or with a blank or invisible sign. Take away the
one apostrophe to have the text. records.jsonl has every text as it is.

The records may say things of people. Who receives them may use them for the case alone.

TO VERIFY WITH PARTYWALL
No network and no other file is needed, but the verifier key, which must have come to you from the
party that made the bundle on another way than the bundle itself:

  partywall evidence verify BUNDLE --vkey evidence.vkey

TO VERIFY BY HAND
1. Unpack the archive. Compare each file with the manifest:

     jq -r '.files[] | .sha256 + "  " + .name' manifest.json | sha256sum -c

2. Compare the manifest with the signed text, whose third line ends with the manifest's SHA-256:

     sha256sum manifest.json; cat manifest.sig

3. The signed text is all lines of manifest.sig before the empty one. Its line "key" ends with the
   verifier key: compare it with the one that you were given. The last line ends with the signature.
   In base64 the key is one byte (01) and the 32 bytes of the Ed25519 public key; the signature is
   four bytes and the 64 bytes of the Ed25519 signature.

     sed '/^$/,$d' manifest.sig > text
     tail -n 1 manifest.sig | cut -d ' ' -f 3 | base64 -d | tail -c 64 > signature
     (printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000'
      grep '^key ' text | tail -n 1 | cut -d + -f 3- | base64 -d | tail -c 32) > key.der
     openssl pkeyutl -verify -rawin -in text -sigfile signature -pubin -inkey key.der -keyform DER

The unpacked files are then what was signed. The archive around them is checked by partywall alone.
"""
