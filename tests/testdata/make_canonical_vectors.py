"""Writes canonical-vectors.jsonl, with CPython's json as the oracle of the canonical form.

Run it as `python3 make_canonical_vectors.py`; the same seed gives the same file.
"""

import hashlib
import json
import math
import pathlib
import random

SEED = 20250101
LINES = 400
CHARACTERS = [
    *map(chr, range(0x20)), '"', "\\", "/", " ", "a", "Z", "~", "\x7f", "\x80", "\x9f", "\xff",
    "\u0100", "\u2028", "\u2029", "\ud7ff", "\ue000", "\ufeff", "\uffff",
    "\U00010000", "\U0001f600", "\U0010ffff", "\ud800", "\udbff", "\udc00", "\udfff",
]


def canonical(value):
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def boundary_numbers():
    yield from (0, -0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1 + 0.2)
    for exponent in range(-8, 24):
        for factor in (1.0, 1.5, 9.999999999999998):
            yield normal(factor * 10.0**exponent)
    for exponent in (-1074, -1022, -20, -14, -1, 10, 52, 53, 54, 63, 64, 1023):
        yield normal(2.0**exponent)
        yield normal(-math.nextafter(2.0**exponent, math.inf))


def normal(number):
    """JavaScript has one number type: below 1e16 an integral one is an integer to both sides."""
    if number == int(number) and abs(number) < 1e16:
        return int(number)
    return number


def number(rng):
    kind = rng.randrange(6)
    if kind == 0:
        return rng.randint(-100, 1000)
    if kind == 1:
        return rng.randint(-(2**53), 2**53)
    if kind == 2:
        return normal(round(rng.uniform(-500, 500), rng.randint(1, 6)))
    if kind == 3:
        return normal(rng.uniform(-1, 1) * 10.0 ** rng.randint(-320, 307))
    if kind == 4:
        return normal(rng.uniform(1, 10) * 10.0 ** rng.randint(-7, 18))
    return normal(rng.random())


def string(rng):
    text = "".join(rng.choice(CHARACTERS) for _ in range(rng.randrange(6)))
    # A high and a low surrogate side by side are one character in JSON's escapes: make them one.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def value(rng, depth):
    kind = rng.randrange(10)
    if depth > 0 and kind < 3:
        return [value(rng, depth - 1) for _ in range(rng.randrange(5))]
    if depth > 0 and kind < 6:
        return {string(rng): value(rng, depth - 1) for _ in range(rng.randrange(6))}
    if kind < 8:
        return number(rng)
    if kind == 8:
        return string(rng)
    return rng.choice([None, True, False])


def documents(rng):
    yield from boundary_numbers()
    for character in CHARACTERS:
        yield {character + "b": character, character: 1}
    yield {character: index for index, character in enumerate(CHARACTERS)}
    yield {name: {} for name in ("__proto__", "constructor", "toString", "10", "9", "", "-1", "01")}
    while True:
        yield value(rng, 5)


def source_text(rng, document):
    """The same document as anyone might write it."""
    return json.dumps(
        document,
        indent=rng.choice([None, 1, "\t"]),
        ensure_ascii=rng.random() < 0.5,
        separators=rng.choice([None, (",", ":"), (" ,", " : ")]),
    ).encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")


def main():
    rng = random.Random(SEED)
    lines = []
    for document in documents(rng):
        if len(lines) == LINES:
            break
        expected = canonical(document)
        assert canonical(json.loads(expected)) == expected
        vector = {
            "json": source_text(rng, document),
            "canonical": expected,
            "sha256": hashlib.sha256(expected.encode("ascii")).hexdigest(),
        }
        lines.append(json.dumps(vector, ensure_ascii=True))
    path = pathlib.Path(__file__).with_name("canonical-vectors.jsonl")
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
