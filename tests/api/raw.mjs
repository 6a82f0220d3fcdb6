// HTTP by hand, for what fetch cannot or will not send, and bodies of bytes. Every answer is held against the
// contract, as those of client.mjs are.
import { connect } from 'node:net';
import { resolve as resolvePath } from 'node:path';
import { checkAnswer } from '../lib/contract.mjs';
import { root } from '../lib/stack.mjs';

const DEADLINE_MS = 20_000;

/** The path of a program that was built. */
export const program = (name) => resolvePath(root, process.env.PARLEY_BUILD ?? 'build', name);

/** Everything that comes back to these bytes until the server closes. from: one's own address. */
export function exchange(url, bytes, from) {
	const { hostname: host, port } = new URL(url);
	return new Promise((resolve, reject) => {
		const chunks = [];
		const socket = connect({ host, port: Number(port), localAddress: from }, () => socket.write(bytes));
		const late = setTimeout(() => socket.destroy(new Error('no answer in time')), DEADLINE_MS);
		const end = () => {
			clearTimeout(late);
			resolve(Buffer.concat(chunks));
		};
		socket.on('data', (chunk) => chunks.push(chunk));
		socket.on('end', end);
		socket.on('error', (error) => {
			clearTimeout(late);
			// a server that refuses a body may close before it has read it: what it said counts
			if (chunks.length > 0 && error.code === 'ECONNRESET') end();
			else reject(error);
		});
	});
}

/** The parts of an answer: { status, headers, body, text }. */
export function answerOf(bytes, head = 'HTTP/1.[01]') {
	const split = bytes.indexOf('\r\n\r\n');
	if (split < 0) throw new Error(`no answer: ${JSON.stringify(bytes.toString('latin1').slice(0, 500))}`);
	const [first, ...lines] = bytes.subarray(0, split).toString('latin1').split('\r\n');
	const status = Number(first.match(new RegExp(`^${head} ([0-9]{3})`))?.[1]);
	if (!status) throw new Error(`no status: ${first}`);
	const headers = new Headers(
		lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
	);
	const text = bytes.subarray(split + 4).toString();
	let body;
	try {
		if (text && /json/.test(headers.get('Content-Type') ?? '')) body = JSON.parse(text);
	} catch {
		// a JSON answer without a body that is one: no document knows it
	}
	return { status, headers, body, text };
}

/**
 * Sends one request as it is given: head lines without Host, Connection and Content-Length, which are added
 * unless they are there, and a body of bytes. check: false for what no document can know, like a bad request line;
 * from: the client's address.
 */
export async function raw(stack, first, lines = [], body = '', { check = true, from } = {}) {
	const bytes = Buffer.from(body);
	const names = lines.map((line) => line.split(':')[0].toLowerCase());
	const more = [`Host: ${new URL(stack.url).host}`, 'Connection: close'];
	if (bytes.length > 0 && !names.includes('transfer-encoding')) more.push(`Content-Length: ${bytes.length}`);
	const all = [...more.filter((line) => !names.includes(line.split(':')[0].toLowerCase())), ...lines];
	const head = Buffer.from(`${first}\r\n${all.join('\r\n')}\r\n\r\n`, 'latin1');
	const answer = answerOf(await exchange(stack.url, Buffer.concat([head, bytes]), from));
	if (check) {
		const [method, path] = first.split(' ');
		checkAnswer(method, path, answer.status, answer.headers, answer.body, answer.text);
	}
	return answer;
}

/** A message's worth of bytes to a person's conversation. */
export function rawSend(person, conversation, body, lines = ['Content-Type: application/json']) {
	return raw(
		person.stack,
		`POST /api/v1/conversations/${conversation.id}/messages HTTP/1.1`,
		[`Authorization: Bearer ${person.token}`, ...lines],
		body,
	);
}
