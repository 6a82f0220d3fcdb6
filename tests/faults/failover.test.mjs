// The database dies for good and a replica takes its place: programs and clients come back by themselves, nothing that was
// acknowledged is lost, and everybody is told to sync, for the replica knows nothing of the slot.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { appendFile, chown, mkdtemp, readlink, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, it } from 'node:test';
import { promisify } from 'node:util';
import { api, connect, groupOf, register, send } from '../lib/client.mjs';
import { checkEvent } from '../lib/contract.mjs';
import { checkHistory, underLoad } from '../lib/load.mjs';
import { mirrorOf } from '../lib/mirror.mjs';
import { alive, childrenOf, unsupervised } from '../lib/processes.mjs';
import { metricsOf } from '../lib/prometheus.mjs';
import { startStack } from '../lib/stack.mjs';
import { waitFor } from '../lib/wait.mjs';

const WINDOW_MS = 800;
const PEOPLE = 8;
const SOCKET = '.s.PGSQL.5432';

let stack, replica, people, devices, group;
before(async () => {
	stack = await startStack({ env: { PARLEY_RESYNC_WINDOW_MS: String(WINDOW_MS) } });
	people = await Promise.all([...Array(PEOPLE)].map((_, i) => register(stack, `Person ${i}`)));
	group = await groupOf(people[0], people.slice(1));
	replica = await replicaOf(stack);
	await replica.join();
	devices = await Promise.all(people.map((person, i) => connect(person, { ws: i % 2 === 1, version: i % 4 < 2 ? 5 : 4 })));
});
after(async () => {
	for (const device of devices ?? []) await device.end(true);
	await replica?.stop();
	await stack?.stop();
});

const sqlOf = (text) => stack.sql(text, { superuser: true });

/** Another PostgreSQL, which follows the one of the stack. */
async function replicaOf(stack) {
	const data = await realpath(join(stack.var, 'data'));
	const { uid, gid } = await stat(data);
	const directory = await mkdtemp(join(tmpdir(), 'parley-replica-'));
	await chown(directory, uid, gid);
	const bin = dirname(await readlink(`/proc/${await stack.pid('postgres')}/exe`));
	const as = process.getuid() === 0 ? [`--reuid=${uid}`, `--regid=${gid}`, '--init-groups'] : [];
	const run = (program, ...args) => promisify(execFile)('setpriv', [...as, join(bin, program), ...args], { cwd: directory });
	const host = /host=(\S+)/.exec(stack.env.PARLEY_SUPERUSER_DATABASE)[1];

	await appendFile(join(data, 'pg_hba.conf'), '\nlocal replication postgres peer map=parley\n');
	await sqlOf('select pg_reload_conf()');
	const from = `host=${host} user=postgres application_name=replica`;
	await run('pg_basebackup', '-d', from, '-D', join(directory, 'data'), '--write-recovery-conf', '--checkpoint=fast');
	const server = ['-D', join(directory, 'data'), '-c', `unix_socket_directories=${directory}`];
	const child = spawn('setpriv', [...as, '--pdeathsig', 'QUIT', join(bin, 'postgres'), ...server], { cwd: directory, stdio: 'ignore' });
	const exited = new Promise((resolve) => child.once('close', resolve));

	return {
		/** From now on no commit is told before it is here, too. */
		async join() {
			await sqlOf("alter system set synchronous_standby_names = 'replica'");
			await sqlOf('select pg_reload_conf()');
			const state = "select sync_state from pg_stat_replication where application_name = 'replica'";
			await waitFor(async () => (await sqlOf(state)) === 'sync', 20_000, 'commits wait for it');
		},
		/** Whoever looks for the database finds this one. */
		async takeAddress() {
			await symlink(join(directory, SOCKET), join(host, 'replica'));
			await rename(join(host, 'replica'), join(host, SOCKET));
		},
		promote: () => run('pg_ctl', 'promote', '-D', join(directory, 'data')),
		async stop() {
			child.kill('SIGQUIT');
			await exited;
			await rm(directory, { recursive: true, force: true });
		},
	};
}

/** The database is gone, and so is each process of it. */
async function primaryDies() {
	const pid = await stack.pid('postgres');
	const backends = await childrenOf(pid);
	await stack.kill('postgres');
	await waitFor(() => !backends.some(alive), 10_000, 'nothing of it runs any more');
}

const pushWorks = async () => (await fetch(`${stack.metricsUrl}/health`)).status === 200;
const resyncs = async () => (await metricsOf(stack)).value('parley_push_resyncs_total');

it('the replica is promoted: all that was acknowledged is there, everybody is told to sync, and all goes on', async (t) => {
	const mirror = mirrorOf(people[1]);
	await mirror.sync();
	const pids = [await stack.pid('push'), ...(await childrenOf(await stack.pid('rest')))];
	const told = await resyncs();
	const arrivals = [];
	let since, before_, away;
	await unsupervised(stack, async () => {
		const load = await underLoad(people.slice(0, 4), [group], async (load_) => {
			await load_.more(60);
			since = Date.now();
			const isNew = ({ topic, event }) => topic.endsWith('/sync') && Date.parse(event.at) >= since;
			for (const { client } of devices)
				client.on('message', (topic, text) => isNew({ topic, event: JSON.parse(text) }) && arrivals.push(performance.now()));
			await primaryDies();
			before_ = load_.acked.length;
			away = performance.now();
			await replica.takeAddress();
			// it reads, and does not write: neither program takes it for the database yet
			await waitFor(async () => (await people[7].api.get('users/me')).status === 200, 10_000, 'the workers have found it');
			assert.equal((await api(stack).get('/health')).status, 503);
			await waitFor(async () => !(await pushWorks()), 10_000, 'parley-push does not take it for the database');
			await replica.promote();
			await load_.more(60);
			away = performance.now() - away;
		});
		for (const answer of load.failed) assert.equal(answer.status, 503, `${answer.status} ${answer.text ?? answer.error}`);
		assert.ok(load.failed.length > 0, 'it was felt');
		t.diagnostic(`${before_} messages before, ${load.acked.length - before_} after ${Math.round(away)} ms`);
		await checkHistory(people[2], group, load.acked);

		for (const [i, device] of devices.entries()) {
			const message = await device.next(({ topic, event }) => topic.endsWith('/sync') && Date.parse(event.at) >= since, 10_000);
			assert.equal(message.topic, `users/${people[i].id}/sync`);
			checkEvent(message.topic, message.payload, message.packet);
		}
		await waitFor(pushWorks, 10_000, 'parley-push streams from it');
		assert.equal((await resyncs()) - told, 1);
		const spread = Math.max(...arrivals) - Math.min(...arrivals);
		assert.equal(arrivals.length, PEOPLE);
		assert.ok(spread > WINDOW_MS / 10 && spread < WINDOW_MS + 2000, `spread over ${spread} ms`);

		const later = [];
		for (let i = 0; i < 10; i++) later.push(await send(people[i % PEOPLE], group, `from here on ${i}`));
		for (const device of devices)
			for (const { id } of later) await device.next(({ event }) => event?.data?.id === id, 10_000);
		for (const device of devices) assert.equal(device.client.connected, true);
		assert.deepEqual([await stack.pid('push'), ...(await childrenOf(await stack.pid('rest')))], pids);

		await mirror.sync();
		assert.equal(mirror.resets, 1, 'a cursor of the dead server is not known here');
		await mirror.sync();
		const room = mirror.conversations.get(group.id);
		assert.deepEqual([room.last_seq, room.last_message.id], [load.acked.length + later.length, later.at(-1).id]);
		const last = await send(people[0], group, 'and this');
		await mirror.sync();
		assert.deepEqual(mirror.history(group.id).map(({ id }) => id), [last.id]);
		assert.equal(mirror.resets, 1);
		await replica.stop();
		replica = undefined;
	});
});
