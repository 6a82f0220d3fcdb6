// A client's half of X3DH (signal.org/docs/specifications/x3dh) with node:crypto: what encrypts for the devices of another by the keys that
// the server gives. The identity key is Ed25519: it signs, and agrees on secrets in its Montgomery form, as libsodium converts it.
// One message a secret: what follows in a real client (the double ratchet) does not concern the server.
import {
	createCipheriv, createDecipheriv, createHash, createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync, randomBytes,
	sign, verify,
} from 'node:crypto';

const P = 2n ** 255n - 19n;
const PKCS8 = { ed25519: '302e020100300506032b657004220420', x25519: '302e020100300506032b656e04220420' };
const SPKI = { ed25519: '302a300506032b6570032100', x25519: '302a300506032b656e032100' };

const privateKey = (curve, raw) =>
	createPrivateKey({ key: Buffer.concat([Buffer.from(PKCS8[curve], 'hex'), raw]), format: 'der', type: 'pkcs8' });
const publicKey = (curve, raw) => createPublicKey({ key: Buffer.concat([Buffer.from(SPKI[curve], 'hex'), raw]), format: 'der', type: 'spki' });
/** The 32 bytes of a public key. */
const rawOf = (key) => createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
const fresh = (curve) => generateKeyPairSync(curve).privateKey;

function power(base, exponent) {
	let result = 1n;
	for (; exponent > 0n; exponent >>= 1n, base = (base * base) % P) if (exponent & 1n) result = (result * base) % P;
	return result;
}

/** The Montgomery form of a public Ed25519 key: u = (1 + y) / (1 - y). */
function montgomeryOf(raw) {
	const y = BigInt(`0x${Buffer.from(raw).reverse().toString('hex')}`) & (2n ** 255n - 1n);
	const u = ((1n + y) * power((1n - y + P) % P, P - 2n)) % P;
	return publicKey('x25519', Buffer.from(u.toString(16).padStart(64, '0'), 'hex').reverse());
}

/** And of a private one: the scalar that it signs by. */
function montgomeryPrivateOf(key) {
	const seed = key.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
	return privateKey('x25519', createHash('sha512').update(seed).digest().subarray(0, 32));
}

const agree = (own, other) => diffieHellman({ privateKey: own, publicKey: other });
const secretOf = (shares) =>
	Buffer.from(hkdfSync('sha256', Buffer.concat([Buffer.alloc(32, 0xff), ...shares]), Buffer.alloc(32), 'Parley tests', 32));

function seal(secret, covered, plain) {
	const nonce = randomBytes(12);
	const cipher = createCipheriv('aes-256-gcm', secret, nonce);
	cipher.setAAD(covered);
	return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function unseal(secret, covered, sealed) {
	const cipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(0, 12));
	cipher.setAAD(covered);
	cipher.setAuthTag(sealed.subarray(-16));
	return Buffer.concat([cipher.update(sealed.subarray(12, -16)), cipher.final()]);
}

/** A device's keys: what it publishes, and what it does with the private halves. */
export class Keys {
	constructor(oneTime = 5) {
		this.identity = fresh('ed25519');
		this.signed = fresh('x25519');
		this.oneTime = new Map(Array.from({ length: oneTime }, (_, i) => [i, fresh('x25519')]));
	}

	/** What goes to PUT /devices/{device}/keys. */
	published() {
		const base64 = (key) => rawOf(key).toString('base64');
		const signature = sign(null, rawOf(this.signed), this.identity).toString('base64');
		return {
			identity_key: base64(this.identity),
			signed_prekey: { key_id: 1, public_key: base64(this.signed), signature },
			one_time_prekeys: [...this.oneTime].map(([key_id, key]) => ({ key_id, public_key: base64(key) })),
		};
	}

	/** An envelope for one device, by what GET /users/{user}/keys says of it. */
	encrypt(bundle, plain) {
		const identity = Buffer.from(bundle.identity_key, 'base64');
		const signed = Buffer.from(bundle.signed_prekey.public_key, 'base64');
		if (!verify(null, signed, publicKey('ed25519', identity), Buffer.from(bundle.signed_prekey.signature, 'base64')))
			throw new Error('the signed pre-key is not of this identity');
		const ephemeral = fresh('x25519');
		const prekey = publicKey('x25519', signed);
		const shares = [
			agree(montgomeryPrivateOf(this.identity), prekey),
			agree(ephemeral, montgomeryOf(identity)),
			agree(ephemeral, prekey),
		];
		const oneTime = bundle.one_time_prekey;
		if (oneTime) shares.push(agree(ephemeral, publicKey('x25519', Buffer.from(oneTime.public_key, 'base64'))));
		const covered = Buffer.concat([rawOf(this.identity), identity]);
		return {
			identity: rawOf(this.identity).toString('base64'),
			ephemeral: rawOf(ephemeral).toString('base64'),
			one_time: oneTime?.key_id ?? null,
			sealed: seal(secretOf(shares), covered, plain).toString('base64'),
		};
	}

	/** What an envelope holds; it throws when that was not made for this device, or when its one-time pre-key was used before. */
	decrypt(envelope) {
		const identity = Buffer.from(envelope.identity, 'base64');
		const ephemeral = publicKey('x25519', Buffer.from(envelope.ephemeral, 'base64'));
		const shares = [
			agree(this.signed, montgomeryOf(identity)),
			agree(montgomeryPrivateOf(this.identity), ephemeral),
			agree(this.signed, ephemeral),
		];
		if (envelope.one_time !== null) {
			shares.push(agree(this.oneTime.get(envelope.one_time), ephemeral));
			this.oneTime.delete(envelope.one_time);
		}
		return unseal(secretOf(shares), Buffer.concat([identity, rawOf(this.identity)]), Buffer.from(envelope.sealed, 'base64'));
	}
}
