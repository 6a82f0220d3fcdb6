// A store for tests that takes what S3 takes: a bucket in memory, whose signatures are checked by the npm package aws4, which is not ours.
import aws4 from 'aws4';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { freePort } from './stack.mjs';

const BUCKET = 'parley-files';
const REGION = 'eu-test-1';
const KEY = { accessKeyId: 'AKIDPARLEYTESTS', secretAccessKey: 'a/secret+of/40=bytes&that has to be kept' };

const refusal = (status, code) => ({ status, code });

/** What is wrong with the signature of a request, or undefined. */
function fault({ method, url, headers: { host } }, secretAccessKey) {
	const { searchParams: query } = new URL(url, `http://${host}`);
	const signature = query.get('X-Amz-Signature');
	if (!signature) return refusal(403, 'AccessDenied');
	const [id, day, region] = query.get('X-Amz-Credential').split('/');
	if (id !== KEY.accessKeyId) return refusal(403, 'InvalidAccessKeyId');
	if (region !== REGION) return refusal(400, 'AuthorizationQueryParametersError');
	const date = query.get('X-Amz-Date');
	const signed = { host, method, path: url.replace(/&X-Amz-Signature=[0-9a-f]*/, ''), service: 's3', region: REGION, signQuery: true };
	const expected = new URL(aws4.sign(signed, { ...KEY, secretAccessKey }).path, `http://${host}`).searchParams.get('X-Amz-Signature');
	if (signature !== expected || !date.startsWith(day)) return refusal(403, 'SignatureDoesNotMatch');
	const begin = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
	const late = Date.now() > begin + Number(query.get('X-Amz-Expires')) * 1000;
	return late || begin > Date.now() + 60_000 ? refusal(403, 'AccessDenied') : undefined;
}

async function bodyOf(request) {
	const parts = [];
	for await (const part of request) parts.push(part);
	return Buffer.concat(parts);
}

/** The part that a header Range asks for, as S3 gives it: { first, last } of bytes; undefined: all. */
function rangeOf(header, size) {
	const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
	if (first === undefined || Number(first) >= size) return undefined;
	return { first: Number(first), last: Math.min(last === '' ? size - 1 : Number(last), size - 1) };
}

function objectSend(request, response, object) {
	const { searchParams } = new URL(request.url, 'http://host');
	const part = rangeOf(request.headers.range, object.bytes.length);
	const headers = { 'accept-ranges': 'bytes', 'content-type': object.type };
	for (const [name, value] of searchParams) if (name.startsWith('response-')) headers[name.slice('response-'.length)] = value;
	if (part) headers['content-range'] = `bytes ${part.first}-${part.last}/${object.bytes.length}`;
	const bytes = part ? object.bytes.subarray(part.first, part.last + 1) : object.bytes;
	response.writeHead(part ? 206 : 200, { ...headers, 'content-length': bytes.length });
	response.end(request.method === 'HEAD' ? undefined : bytes);
}

/**
 * Starts one; by pathStyle its bucket is in the path, else in the host; tls: { key, cert } of https. settings: the environment of a stack that uses it. objects: by key, {
 * bytes, type }. requests: what it was asked, as "PUT /path". name and secret may be set: then it has another. mute(true): it takes
 * connections and answers nothing, until mute(false). stop(): it is away, its objects are not; start() has it again.
 */
export async function startBucket({ pathStyle = true, tls } = {}) {
	const port = await freePort();
	const objects = new Map();
	const requests = [];
	let server;
	let muted = false;

	/** Bucket and key, wherever the bucket stands. */
	const placeOf = ({ url, headers: { host } }) => {
		const path = decodeURIComponent(new URL(url, 'http://host').pathname).slice(1);
		const slash = path.indexOf('/');
		return pathStyle ? [path.slice(0, slash), path.slice(slash + 1)] : [host.slice(0, host.indexOf('.')), path];
	};
	const methods = {
		async PUT(key, request, response) {
			objects.set(key, { bytes: await bodyOf(request), type: request.headers['content-type'] });
			response.writeHead(200).end();
		},
		DELETE(key, request, response) {
			objects.delete(key);
			response.writeHead(204).end();
		},
		GET: (key, request, response) => objectSend(request, response, objects.get(key)),
		HEAD: (key, request, response) => objectSend(request, response, objects.get(key)),
	};
	const answer = async (request, response) => {
		requests.push(`${request.method} ${request.url.split('?')[0]}`);
		if (muted) return;
		const [name, key] = placeOf(request);
		const reading = request.method === 'GET' || request.method === 'HEAD';
		const refused =
			fault(request, bucket.secret) ??
			(name === bucket.name ? undefined : refusal(404, 'NoSuchBucket')) ??
			(reading && !objects.has(key) ? refusal(404, 'NoSuchKey') : undefined);
		if (!refused) return methods[request.method](key, request, response);
		response.writeHead(refused.status, { 'content-type': 'application/xml', connection: 'close' });
		response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${refused.code}</Code><Message>No.</Message></Error>`);
	};

	const bucket = {
		name: BUCKET,
		secret: KEY.secretAccessKey,
		port,
		objects,
		requests,
		settings: {
			PARLEY_ATTACHMENTS_S3_ENDPOINT: `${tls ? 'https' : 'http'}://${pathStyle ? '127.0.0.1' : 'localhost'}:${port}`,
			PARLEY_ATTACHMENTS_S3_REGION: REGION,
			PARLEY_ATTACHMENTS_S3_BUCKET: BUCKET,
			PARLEY_ATTACHMENTS_S3_ACCESS_KEY: KEY.accessKeyId,
			PARLEY_ATTACHMENTS_S3_SECRET_KEY: KEY.secretAccessKey,
			PARLEY_ATTACHMENTS_S3_PATH_STYLE: String(pathStyle),
		},
		mute: (whether) => (muted = whether),
		async start() {
			server = tls ? createTlsServer(tls, answer) : createServer(answer);
			await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
		},
		async stop() {
			if (!server.listening) return;
			const closed = new Promise((resolve) => server.close(resolve));
			server.closeAllConnections();
			await closed;
		},
	};
	await bucket.start();
	return bucket;
}
