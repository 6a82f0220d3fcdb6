// Files: the throughput of downloads by X-Sendfile beside the same file served as a static one by another lighttpd, in turns.
import { spawn } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../lib/wait.mjs';
import { freePort } from '../lib/stack.mjs';
import { median, psql, run, say, spread, table } from './common.mjs';

const CONNECTIONS = 16;
const SIZES = [
	['thumbnail, 8 KiB', 8 << 10],
	['picture, 256 KiB', 256 << 10],
	['film, 25 MiB', 25 << 20],
];

/** A file of a person, as if it had been uploaded: its path below the API's origin, and below the directory. */
async function fileMake(stack, owner, size) {
	const bytes = randomBytes(size);
	const sha256 = createHash('sha256').update(bytes).digest('hex');
	const id = randomUUID();
	const below = `${sha256.slice(0, 2)}/${sha256}`;
	await mkdir(join(stack.var, 'attachments', sha256.slice(0, 2)), { recursive: true, mode: 0o750 });
	await writeFile(join(stack.var, 'attachments', below), bytes);
	await psql(
		stack.env.PARLEY_OWNER_DATABASE,
		`insert into attachments (id, owner_id, sha256, name, media_type, size, created_at)
		values ('${id}', '${owner}', '\\x${sha256}', 'file', 'video/mp4', ${size}, now())`,
	);
	return { path: `/api/v1/attachments/${id}`, below: `/${below}`, size };
}

/** A lighttpd that knows nothing but the directory. */
async function staticStart(stack) {
	const port = await freePort();
	const path = join(stack.work, 'lighttpd.conf');
	await writeFile(
		path,
		`server.document-root = "${stack.var}/attachments"
server.bind = "127.0.0.1"
server.port = ${port}
server.listen-backlog = 4096
server.max-fds = 16384
server.max-keep-alive-requests = 10000
mimetype.assign = ( "" => "video/mp4" )
`,
	);
	const child = spawn('lighttpd', ['-D', '-f', path], {
		stdio: 'ignore',
		env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
	});
	const url = `http://127.0.0.1:${port}`;
	await waitFor(() => fetch(url).then(({ status }) => status > 0), 5000, 'the static server answers');
	return { url, stop: () => child.kill('SIGTERM') };
}

/** Requests a second. */
async function wrk(url, seconds, token) {
	const args = ['-t', 2, '-c', CONNECTIONS, '-d', seconds, '-H', `Authorization: Bearer ${token}`, url];
	const { stdout } = await run('wrk', args.map(String));
	if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url}: ${stdout}`);
	return Number(/^Requests\/sec: +([\d.]+)$/m.exec(stdout)[1]);
}

/** owner: the person of the token. */
export async function filesTable(stack, { owner, token, rounds, seconds }) {
	const alone = await staticStart(stack);
	const rows = [];
	try {
		for (const [what, size] of SIZES) {
			const file = await fileMake(stack, owner, size);
			const sides = { ours: stack.url + file.path, static: alone.url + file.below };
			const rates = { ours: [], static: [] };
			for (const url of Object.values(sides)) await wrk(url, 1, token);
			for (let round = 0; round < rounds; round++)
				for (const side of round % 2 ? ['static', 'ours'] : ['ours', 'static'])
					rates[side].push(await wrk(sides[side], seconds, token));
			const ratios = rates.ours.map((rate, i) => rate / rates.static[i]);
			say(`${what}: ${median(rates.ours).toFixed(0)} downloads/s, ${median(rates.static).toFixed(0)} static, ratio ${median(ratios).toFixed(2)}`);
			const mebibytes = rates.ours.map((rate) => (rate * size) / (1 << 20));
			rows.push([what, spread(rates.ours), spread(mebibytes), spread(rates.static), spread(ratios, 2)]);
		}
	} finally {
		alone.stop();
	}
	table(['download by X-Sendfile', 'downloads/s', 'MiB/s', 'static, /s', 'ratio'], rows);
}
