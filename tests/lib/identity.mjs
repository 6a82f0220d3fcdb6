// An identity provider that is not ours: keys and tokens by npm jose, and the ids that Parley makes from them.

import * as jose from 'jose';

// --- BLAKE2b (RFC 7693), without a key: OpenSSL has it with 64 bytes alone, which is another hash ---

const IV = [0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n,
	0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n];
const ORDER = [
	[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
	[14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
	[11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
	[7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
	[9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
	[2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
	[12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
	[13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
	[6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
	[10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];
const MIX = [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]];
const u64 = (value) => BigInt.asUintN(64, value);
const rotate = (value, bits) => u64((value >> bits) | (value << (64n - bits)));

function compress(h, block, counted, last) {
	const m = Array.from({ length: 16 }, (_, i) => block.readBigUInt64LE(8 * i));
	const v = [...h, ...IV];
	v[12] ^= counted;
	if (last) v[14] = u64(~v[14]);
	for (let round = 0; round < 12; round++) {
		const order = ORDER[round % 10];
		for (const [i, [a, b, c, d]] of MIX.entries()) {
			for (const [word, first, second] of [[2 * i, 32n, 24n], [2 * i + 1, 16n, 63n]]) {
				v[a] = u64(v[a] + v[b] + m[order[word]]);
				v[d] = rotate(v[d] ^ v[a], first);
				v[c] = u64(v[c] + v[d]);
				v[b] = rotate(v[b] ^ v[c], second);
			}
		}
	}
	for (let i = 0; i < 8; i++) h[i] ^= v[i] ^ v[i + 8];
}

export function blake2b(bytes, length) {
	const h = [...IV];
	h[0] ^= 0x01010000n ^ BigInt(length);
	const blocks = Math.max(1, Math.ceil(bytes.length / 128));
	for (let i = 0; i < blocks; i++) {
		const block = Buffer.alloc(128);
		bytes.copy(block, 0, 128 * i, 128 * (i + 1));
		const last = i === blocks - 1;
		compress(h, block, BigInt(last ? bytes.length : 128 * (i + 1)), last);
	}
	const out = Buffer.alloc(64);
	h.forEach((word, i) => out.writeBigUInt64LE(word, 8 * i));
	return out.subarray(0, length);
}

// --- ids, as lib/identity.h says ---

function idOf(...parts) {
	const id = blake2b(Buffer.from(parts.map((part) => `${part}\0`).join('')), 16);
	id[6] = 0x80 | (id[6] & 0x0f);
	id[8] = 0x80 | (id[8] & 0x3f);
	return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export const userIdOf = (issuer, subject) => idOf('parley user', issuer, subject);
export const sessionIdOf = (issuer, subject, kind, value) => idOf(`parley session ${kind}`, issuer, subject, value);

// --- keys and tokens ---

/** One key: alg is RS256, ES256 or EdDSA. */
export async function newKey(alg, kid) {
	const { publicKey, privateKey } = await jose.generateKeyPair(alg, { crv: alg === 'EdDSA' ? 'Ed25519' : undefined, modulusLength: 2048 });
	return { alg, kid, privateKey, publicKey, jwk: { ...(await jose.exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

const seconds = () => Math.floor(Date.now() / 1000);

/** A token of key; what is undefined among the changes is left out of header or claims. */
export function sign(key, claims, header = {}) {
	return new jose.SignJWT({ iat: seconds(), exp: seconds() + 600, ...claims })
		.setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
		.sign(key.privateKey);
}
