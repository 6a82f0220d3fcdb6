// CRC-32 of PNG (RFC 2083 section 15): zlib of node 18 does not give it.
const table = Array.from({ length: 256 }, (_, i) => {
	for (let bit = 0; bit < 8; bit++) i = i & 1 ? 0xedb88320 ^ (i >>> 1) : i >>> 1;
	return i >>> 0;
});

export function crc32(bytes) {
	let crc = 0xffffffff;
	for (const byte of bytes) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8);
	return (crc ^ 0xffffffff) >>> 0;
}
