// Files as a stack has them, and HTTP that shows what fetch hides: each header as it came, and whether the body is all there.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { checkAnswer } from './contract.mjs';

const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

/** Where the content of a hash is. */
export const placeOf = (stack, sha256, end = '') => join(stack.var, 'attachments', sha256.slice(0, 2), sha256 + end);

/**
 * A file of a person, as if it had been uploaded, of any type, which an upload would not believe: { id, url, sha256, bytes,
 * name, type }. thumbnail: its bytes. content: of what is on the disk, where that is not bytes.
 */
export async function fileOf(stack, owner, bytes, { name = 'a file', type = 'text/plain', thumbnail, content } = {}) {
	const id = randomUUID();
	const sha256 = createHash('sha256').update(bytes).digest('hex');
	await mkdir(dirname(placeOf(stack, sha256)), { recursive: true, mode: 0o700 });
	await writeFile(placeOf(stack, sha256), content ?? bytes);
	if (thumbnail) await writeFile(placeOf(stack, sha256, '.thumb'), thumbnail);
	await stack.sql(`insert into attachments (id, owner_id, sha256, name, media_type, size, thumbnail_bytes, created_at)
		values ('${id}', '${owner.id}', '\\x${sha256}', ${quoted(name)}, ${quoted(type)}, ${bytes.length}, ${thumbnail?.length ?? 'null'}, now())`);
	return { id, url: `/api/v1/attachments/${id}`, sha256, bytes, name, type };
}

/** The same, of so many zeros, of which the disk has none. */
export async function largeFileOf(stack, owner, size) {
	const file = await fileOf(stack, owner, Buffer.from(randomUUID()), { type: 'video/mp4' });
	await truncate(placeOf(stack, file.sha256), 0);
	await truncate(placeOf(stack, file.sha256), size);
	await stack.sql(`update attachments set size = ${size} where id = '${file.id}'`);
	return { ...file, size };
}

/** Puts it into a message that has been sent. */
export const attach = (stack, file, conversation, message) =>
	stack.sql(`insert into attachment_uses (attachment_id, conversation_id, seq)
		values ('${file.id}', '${conversation.id}', ${message.seq})`);

/**
 * Asks for a file: { status, headers, lines, bytes, complete, body }. lines: of the head, as they came; complete: the body has the
 * length that was promised. Held against the contract. onHead(answer): looks at it before the body is read;
 * keep: false counts the bytes alone, as size.
 */
export function download(front, path, { method = 'GET', token, headers = {}, onHead, keep = true } = {}) {
	return new Promise((resolve, reject) => {
		const sent = { connection: 'close', ...headers, ...(token ? { authorization: `Bearer ${token}` } : {}) };
		const ask = request(front.url + path, { method, headers: sent }, (answer) => {
			const chunks = [];
			let size = 0;
			onHead?.(answer);
			answer.on('data', (chunk) => {
				size += chunk.length;
				if (keep) chunks.push(chunk);
			});
			answer.on('error', () => undefined);
			answer.on('close', () => {
				const bytes = Buffer.concat(chunks);
				const lines = answer.rawHeaders.reduce((rows, text, i) => (i % 2 ? rows.at(-1).push(text) : rows.push([text]), rows), []);
				const all = new Headers(lines);
				const json = /json/.test(all.get('Content-Type') ?? '') && bytes.length > 0;
				const result = { status: answer.statusCode, headers: all, lines, bytes, size, complete: answer.complete };
				try {
					if (json) result.body = JSON.parse(bytes);
					checkAnswer(method, path, result.status, all, result.body, bytes.toString());
				} catch (error) {
					return reject(error);
				}
				resolve(result);
			});
		});
		ask.on('error', reject);
		ask.end();
	});
}
