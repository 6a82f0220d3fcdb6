// Files: the throughput of downloads by X-Sendfile beside the same file served as a static one by another lighttpd, in turns;
// and of uploads, each of other content, to the disk.
import { spawn } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../lib/wait.mjs';
import { freePort, median, psql, run, say, spread, table } from './common.mjs';

// what it is, its bytes, and how many are fetched at once
const SIZES = [
	['thumbnail, 8 KiB', 8 << 10, 16],
	['picture, 256 KiB', 256 << 10, 16],
	['film, 25 MiB', 25 << 20, 4],
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

const UNITS = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 };

/** Bytes a second: of large files few are complete when the time is over. */
async function wrk(url, connections, seconds, token) {
	const args = ['-t', 2, '-c', connections, '-d', seconds, '--timeout', 20, '-H', `Authorization: Bearer ${token}`, url];
	const { stdout } = await run('wrk', args.map(String));
	if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url}: ${stdout}`);
	const [, number, unit] = /^Transfer\/sec: +([\d.]+)([KMG]?B)$/m.exec(stdout);
	return number * UNITS[unit];
}

/** owner: the person of the token. */
export async function filesTable(stack, { owner, token, rounds, seconds }) {
	const alone = await staticStart(stack);
	const rows = [];
	try {
		for (const [what, size, connections] of SIZES) {
			const file = await fileMake(stack, owner, size);
			const sides = { ours: stack.url + file.path, static: alone.url + file.below };
			const rates = { ours: [], static: [] };
			for (const url of Object.values(sides)) await wrk(url, connections, 1, token);
			for (let round = 0; round < rounds; round++)
				for (const side of round % 2 ? ['static', 'ours'] : ['ours', 'static'])
					rates[side].push(await wrk(sides[side], connections, seconds, token));
			const ratios = rates.ours.map((rate, i) => rate / rates.static[i]);
			const mebibytes = (side) => rates[side].map((rate) => rate / (1 << 20));
			say(`${what}: ${spread(mebibytes('ours'))} MiB/s, ${spread(mebibytes('static'))} static, ratio ${median(ratios).toFixed(2)}`);
			rows.push([what, spread(rates.ours.map((rate) => rate / size), 1), spread(mebibytes('ours')), spread(mebibytes('static')), spread(ratios, 2)]);
		}
	} finally {
		alone.stop();
	}
	table(['download by X-Sendfile', 'downloads/s', 'MiB/s', 'static, MiB/s', 'ratio'], rows);
}

const UPLOADERS = 4;

/** Uploads of this size for so long, by one person after the other, who each have a quota; and how many a second. */
async function upload(stack, bytes, seconds) {
	const start = performance.now();
	const end = start + seconds * 1000;
	let count = 0;
	const one = async (body) => {
		while (performance.now() < end) {
			randomBytes(16).copy(body); // other content each time
			const token = stack.tokens[Math.floor(Math.random() * stack.tokens.length)];
			const headers = {
				authorization: `Bearer ${token}`,
				'content-type': 'application/octet-stream',
				'content-disposition': 'attachment; filename="film.mp4"',
			};
			const answer = await fetch(`${stack.url}/api/v1/attachments`, { method: 'POST', headers, body });
			const text = await answer.text();
			if (answer.status !== 201) throw new Error(`an upload was answered ${answer.status}: ${text}`);
			count++;
		}
	};
	await Promise.all([...Array(UPLOADERS)].map(() => one(randomBytes(bytes))));
	return count / ((performance.now() - start) / 1000);
}

export async function uploadsTable(stack, { rounds, seconds }) {
	const rows = [];
	for (const [what, size] of [
		['256 KiB', 256 << 10],
		['8 MiB', 8 << 20],
	]) {
		const rates = [];
		await upload(stack, size, 1);
		for (let round = 0; round < rounds; round++) rates.push(await upload(stack, size, seconds));
		say(`uploads of ${what}: ${median(rates).toFixed(1)}/s`);
		rows.push([what, spread(rates, 1), spread(rates.map((rate) => (rate * size) / (1 << 20)), 1)]);
	}
	table([`upload, ${UPLOADERS} at once`, 'uploads/s', 'MiB/s'], rows);
}
