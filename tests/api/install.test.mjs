// What `make install` installs, and the manual: in order, and with every command, option and setting in it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { environment, root } from '../lib/stack.mjs';

const run = promisify(execFile);
const build = resolve(root, process.env.PARLEY_BUILD ?? 'build');
let directory;
let share;

const says = async (program, ...args) => (await run(join(build, program), args, { env: environment({}) })).stdout;
const page = (name) => readFile(join(share, `man/man${name.at(-1)}`, name), 'utf8');

before(async () => {
	directory = await mkdtemp(join(tmpdir(), 'parley-install-'));
	await run(join(root, 'ops/install'), [directory, '/usr', build], { env: environment({}) });
	share = join(directory, 'usr/share');
});
after(() => rm(directory, { recursive: true, force: true }));

test('programs, plugin and all that they need are installed', async () => {
	for (const program of ['parley', 'parley-rest', 'parley-media', 'parley-picture', 'parley-push', 'parley-notify', 'parley-bucket']) {
		const path = join(directory, 'usr/bin', program);
		assert.equal((await stat(path)).mode & 0o777, 0o755);
		const { stdout } = await run(path, ['--version'], { env: environment({}) });
		assert.match(stdout, new RegExp(`^${program} \\d+\\.\\d+\\.\\d+\n$`));
	}
	for (const file of ['lib/parley/parley_broker.so', 'share/parley/sql/migrate.sh', 'share/parley/lighttpd.conf', 'share/parley/mosquitto.conf'])
		assert.ok((await stat(join(directory, 'usr', file))).isFile());
});

test('the pages of the manual are there, and no tool finds fault with them', async () => {
	const pages = [];
	for (const section of await readdir(join(share, 'man')))
		for (const name of await readdir(join(share, 'man', section))) {
			assert.equal(section, `man${name.at(-1)}`);
			pages.push(join(share, 'man', section, name));
		}
	const names = pages.map((path) => path.split('/').at(-1)).sort();
	assert.deepEqual(names, ['parley-notify.8', 'parley-push.8', 'parley-rest.8', 'parley.1', 'parley.conf.5']);
	const { stdout, stderr } = await run('mandoc', ['-T', 'lint', '-W', 'warning', ...pages]).catch((error) => error);
	assert.equal(stdout + stderr, '');
	for (const path of pages) assert.doesNotMatch(await readFile(path, 'utf8'), /^@[A-Z]+@$/m);
});

test('every command and option is in parley(1)', async () => {
	const text = await page('parley.1');
	const commands = [...(await says('parley', '--help')).matchAll(/^ {2}([a-z]+( [a-z]+)?) {2,}\S/gm)].map(([, words]) => words);
	for (const command of ['migrate', 'token create', 'keys rotate', 'doctor']) assert.ok(commands.includes(command));
	for (const command of commands) {
		const begin = text.search(new RegExp(`^\\.It Cm ${command}( (Fl|Ar|Oo) .*)?$`, 'm'));
		assert.ok(begin >= 0, command);
		const rest = text.slice(begin + 1);
		const own = rest.slice(0, rest.search(/^\.It Cm |^\.Ss /m));
		const help = await says('parley', ...command.split(' '), '--help');
		const options = help.split('With every command:')[0].matchAll(/^ {2}--([a-z-]+)/gm);
		for (const [, option] of options) assert.match(own, new RegExp(`^\\.It Fl -${option}( Ar .*)?$`, 'm'), `${command} --${option}`);
	}
});

test('every setting is in parley.conf(5), with its default', async () => {
	const text = await page('parley.conf.5');
	const settings = [...(await says('parley-rest', '--settings')).matchAll(/^#([a-z_]+) = (.*)$/gm)];
	assert.ok(settings.length > 40);
	for (const [, key, value] of settings) {
		const begin = text.indexOf(`\n.It Ic ${key}\n`);
		assert.ok(begin >= 0, key);
		const own = text.slice(begin + 1).split('\n.It ')[0];
		assert.ok(own.includes(value === '""' ? 'empty by default' : `.Li ${value} .`), `${key} ${own}`);
	}
});

test('every option of parley-rest is in its page', async () => {
	const text = await page('parley-rest.8');
	for (const [, option] of (await says('parley-rest', '--help')).matchAll(/--([a-z]+)/g))
		assert.match(text, new RegExp(`^\\.It Fl -${option}`, 'm'), option);
});
