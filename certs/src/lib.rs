//! Who is on the line: trust anchors, verification, revocation, keys, signatures, the trial authority.
