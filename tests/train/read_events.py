"""Prints what event files hold, a line a value; shares no code with what wrote them.

read_events.py FOLDER reads the files in the order of their names and forgets, as TensorBoard does, what a
later part of a run that went on replaces. Fails on a wrong length, checksum or field.
"""
import pathlib
import struct
import sys
import zlib


def crc32c(data):
    """Bit by bit, without a table."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 * (crc & 1))
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        header, (length,) = data[at : at + 8], struct.unpack_from("<Q", data, at)
        assert struct.unpack_from("<I", data, at + 8)[0] == masked(header), f"length at byte {at}"
        body = data[at + 12 : at + 12 + length]
        assert len(body) == length, f"record at byte {at} is cut"
        assert struct.unpack_from("<I", data, at + 12 + length)[0] == masked(body), f"record at byte {at}"
        yield body
        at += 12 + length + 4


def fields(data):
    """(number, value) of a protobuf message: ints, floats by their wire type, bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        number, wire = key >> 3, key & 7
        if wire == 0:
            yield number, varint()
        elif wire == 1:
            yield number, struct.unpack_from("<d", data, at)[0]
            at += 8
        elif wire == 2:
            length = varint()
            assert at + length <= len(data), "field longer than its message"
            yield number, data[at : at + length]
            at += length
        elif wire == 5:
            yield number, struct.unpack_from("<f", data, at)[0]
            at += 4
        else:
            raise AssertionError(f"wire type {wire}")


def png_size(data):
    """(width, height, colour type) of a PNG whose chunks are all right."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, kinds, pixels = 8, [], b""
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + body)
        kinds.append(kind)
        if kind == b"IDAT":
            pixels += body
        at += 12 + length
    assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND"
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    channels = {0: 1, 2: 3, 6: 4}[colour]
    assert depth == 8 and len(zlib.decompress(pixels)) == height * (1 + width * channels)
    return width, height, channels


def main(folder):
    lines = []  # (step, text)
    for path in sorted(pathlib.Path(folder).glob("*tfevents*")):
        for index, body in enumerate(records(path.read_bytes())):
            event = dict(fields(body))
            assert 1.6e9 < event[1] < 1e10, "wall time"
            step = event.get(2, 0)
            if index == 0:
                assert event[3] == b"brain.Event:2"
            elif 7 in event:
                assert dict(fields(event[7])) == {1: 1}
                lines = [line for line in lines if line[0] < step]
            else:
                for number, value in fields(event[5]):
                    assert number == 1
                    parts = dict(fields(value))
                    tag = parts[1].decode()
                    if 2 in parts:
                        lines.append((step, f"{step} {tag} {parts[2]:.6g}"))
                    else:
                        image = dict(fields(parts[4]))
                        assert png_size(image[4]) == (image[2], image[1], image[3])
                        lines.append((step, f"{step} {tag} {image[2]} x {image[1]} x {image[3]}"))
    for _, text in lines:
        print(text)


main(sys.argv[1])
