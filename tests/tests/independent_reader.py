"""Verifies a sealed log's folder after the C2SP specifications alone: tlog-tiles, tlog-checkpoint, signed-note,
RFC 6962, RFC 8032. Nothing of it was taken from Kelisim. Python 3.8, standard library only.
Called with the folder and the log's verifier key."""
import base64
import hashlib, pathlib, sys

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def add(p, q):  # RFC 8032 section 5.1.4, extended coordinates
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def point(encoded):  # RFC 8032 section 5.1.3
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert y < P and (x * x - square) % P == 0, "not a point"
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


def ed25519(public, message, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    base = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    h = int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % ORDER
    left, right = multiply(s, base), add(point(r), multiply(h, point(public)))
    same = all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))
    assert s < ORDER and same, "the signature is not the log's"


def checkpoint(note, key):
    name, identity, material = key.split("+", 2)
    material = base64.b64decode(material)
    assert material[0] == 1 and sha256(name.encode(), b"\n", material)[:4].hex() == identity, "not an Ed25519 key"
    text, signatures = note.rsplit(b"\n\n", 1)
    text += b"\n"
    ours = [line.split(b" ") for line in signatures.split(b"\n") if line.startswith("— {} ".format(name).encode())]
    ours = [base64.b64decode(line[2]) for line in ours]
    ours = [line[4:] for line in ours if line[:4].hex() == identity]
    assert ours, "the log did not sign"
    ed25519(material[1:], text, ours[0])
    origin, size, root = text.decode().split("\n")[:3]
    assert origin == name, "a checkpoint of another log"
    return int(size), base64.b64decode(root)


def stored(folder, kind, number, width):
    digits = "%03d" % (number % 1000)
    while number >= 1000:
        number //= 1000
        digits = "x%03d/%s" % (number % 1000, digits)
    return (folder / "tile" / kind / (digits if width == 256 else "%s.p/%d" % (digits, width))).read_bytes()


def tree(hashes):  # RFC 6962 section 2.1
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\x01", tree(hashes[:split]), tree(hashes[split:]))


folder, (size, root) = pathlib.Path(sys.argv[1]), checkpoint(pathlib.Path(sys.argv[1], "checkpoint").read_bytes(), sys.argv[2])
leaves = []
for first in range(0, size, 256):
    bundle = stored(folder, "entries", first // 256, min(256, size - first))
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        leaves.append(sha256(b"\x00", bundle[2 : 2 + length]))
        bundle = bundle[2 + length :]
level, below = 0, leaves
while below:
    for first in range(0, len(below), 256):
        here = below[first : first + 256]
        assert stored(folder, str(level), first // 256, len(here)) == b"".join(here), "tile %d/%d" % (level, first // 256)
    level, below = level + 1, [tree(below[at : at + 256]) for at in range(0, len(below) - 255, 256)]
assert len(leaves) == size and tree(leaves) == root, "the entries are not those that were signed"
print("%d entries, as %s signed them" % (size, sys.argv[2].split("+")[0]))
