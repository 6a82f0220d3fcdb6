// A mail server for tests: the npm package smtp-server, and a reader of what it was handed. What it does with a mail is
// said by the recipient: busy-… is refused for now, never-… for good.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SMTPServer } from 'smtp-server';
import { waitFor } from './wait.mjs';

/** A key and a certificate for 127.0.0.1 and localhost: { key, cert, file }, file being for whoever is to trust it. */
export async function certificate() {
	const directory = await mkdtemp(join(tmpdir(), 'parley-tls-'));
	const [key, file] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
	await promisify(execFile)('openssl', [
		...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
		...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', file],
	]);
	return {
		key: await readFile(key),
		cert: await readFile(file),
		file,
		remove: () => rm(directory, { recursive: true, force: true }),
	};
}

/** Header lines and text of a message, unfolded and decoded: { headers: Map of lower-case name to values, text, raw }. */
export function readMail(raw) {
	const end = raw.indexOf('\r\n\r\n');
	const headers = new Map();
	for (const line of raw.slice(0, end).replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n')) {
		const colon = line.indexOf(':');
		const name = line.slice(0, colon).toLowerCase();
		headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
	}
	const bytes = raw
		.slice(end + 4)
		.replaceAll('=\r\n', '')
		.replaceAll(/=([0-9A-F]{2})/g, (all, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
	return { headers, text: Buffer.from(bytes, 'latin1').toString(), raw };
}

/**
 * Listens on port; options are those of smtp-server. { port, tries, mails, next(to), stop() }: tries are recipients in
 * their order, whatever became of them; mails are { from, to, secure, user, headers, text, raw }.
 */
export async function startMailServer(port = 0, options = {}) {
	const mails = [];
	const tries = [];
	const refusals = [
		[/^busy-/, 450, 'Not now'],
		[/^never-/, 550, 'No such mailbox'],
	];
	const server = new SMTPServer({
		authOptional: true,
		disabledCommands: ['STARTTLS'],
		logger: false,
		closeTimeout: 100,
		onRcptTo({ address }, session, callback) {
			tries.push(address);
			const refusal = refusals.find(([pattern]) => pattern.test(address));
			callback(refusal && Object.assign(new Error(refusal[2]), { responseCode: refusal[1] }));
		},
		onData(stream, session, callback) {
			let raw = '';
			stream.setEncoding('latin1');
			stream.on('data', (data) => (raw += data));
			stream.on('end', () => {
				const { mailFrom, rcptTo } = session.envelope;
				mails.push({
					from: mailFrom.address,
					to: rcptTo.map(({ address }) => address),
					secure: session.secure,
					user: session.user,
					...readMail(raw),
				});
				callback();
			});
		},
		...options,
	});
	server.on('error', () => undefined); // of a connection: the client's side tells
	await new Promise((resolve, reject) => {
		server.server.once('error', reject);
		server.listen(port, '127.0.0.1', resolve);
	});
	return {
		port: server.server.address().port,
		tries,
		mails,
		/** Takes the first mail to an address, waiting for it. */
		next: (to, deadline = 5000) =>
			waitFor(
				() => {
					const i = mails.findIndex((mail) => mail.to.includes(to));
					return i >= 0 && mails.splice(i, 1)[0];
				},
				deadline,
				`a mail to ${to}`,
			),
		stop: () => new Promise((resolve) => server.close(resolve)),
	};
}
