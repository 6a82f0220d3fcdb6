// Web servers in front of a parley-rest, with the configuration that we give to those who run one: beside the lighttpd of a stack.
//
//	const front = await startNginx(stack, { socket });		// or startLighttpd; socket: of another parley-rest than the stack's
//	…front.url…
//	await front.stop();
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, root } from './stack.mjs';
import { waitFor } from './wait.mjs';

const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

/** Starts it in a folder of its own; resolves when it answers. configure(folder, port): its configuration. */
async function start(stack, configure, command, quit) {
	const folder = await mkdtemp(join(tmpdir(), 'parley-front-'));
	await chmod(folder, 0o711);
	const port = await freePort();
	await writeFile(join(folder, 'conf'), await configure(folder, port));
	const [program, ...how] = command(folder);
	await promisify(execFile)(program, [...how, '-t'], { env });
	const server = spawn(program, how, { env, stdio: 'inherit' });
	const ended = new Promise((resolve) => server.once('close', resolve));
	const url = `http://127.0.0.1:${port}`;
	const front = {
		...stack,
		url,
		wsUrl: `ws://127.0.0.1:${port}/mqtt`,
		async stop() {
			server.kill(quit);
			const late = setTimeout(() => server.kill('SIGKILL'), 5000);
			await ended;
			clearTimeout(late);
			await rm(folder, { recursive: true, force: true });
		},
	};
	const answers = () => fetch(`${url}/health`).then(({ status }) => status === 200, () => false);
	try {
		await waitFor(answers, 10_000, `${program} answers`);
	} catch (error) {
		await front.stop();
		throw error;
	}
	return front;
}

const restSocket = (stack) => join(stack.var, 'run/rest.sock');

/** In the least that nginx needs around our configuration. */
export function startNginx(stack, { socket = restSocket(stack) } = {}) {
	const configure = async (folder, port) => {
		const wsPort = (await readFile(join(stack.var, 'etc/ws_port'), 'utf8')).trim();
		const ours = (await readFile(join(root, 'ops/nginx/parley.conf'), 'utf8'))
			.replaceAll('/run/parley/rest.sock', socket)
			.replaceAll('127.0.0.1:9001', `127.0.0.1:${wsPort}`)
			.replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
			.replaceAll('/usr/local/share/parley', root)
			.replaceAll('/var/lib/parley/attachments', join(stack.var, 'attachments'));
		const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
			(name) => `${name}_temp_path ${folder}/${name};`,
		);
		return `${process.getuid() === 0 ? 'user root;' : ''}
worker_processes 1;
daemon off;
pid ${folder}/pid;
error_log ${folder}/error.log;
events { worker_connections 512; }
http { access_log off; ${places.join(' ')} ${ours} }
`;
	};
	const command = (folder) => ['nginx', '-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'conf')];
	return start(stack, configure, command, 'SIGQUIT');
}

/** As the stack's own, at another port. sendfile: false has the workers send files, as behind a server that cannot. */
export function startLighttpd(stack, { socket = restSocket(stack), sendfile = true } = {}) {
	const configure = async (folder, port) => {
		const conf = (await readFile(join(stack.var, 'etc/lighttpd.conf'), 'utf8'))
			.replace(/^(\s*var\.port = ).*$/m, `$1${port}`)
			.replace(/^(\s*var\.rest_socket = ).*$/m, `$1"${socket}"`);
		if (sendfile) return conf;
		const ours = await readFile(join(root, 'lighttpd.conf'), 'utf8');
		return conf.replace(/^\s*include .*$/m, ours.replace(/^\s*setenv\.add-environment = .*SENDFILE_BY.*$/m, ''));
	};
	return start(stack, configure, (folder) => ['lighttpd', '-D', '-f', join(folder, 'conf')], 'SIGINT');
}
