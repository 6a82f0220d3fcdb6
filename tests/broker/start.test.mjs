// The broker starts with the configuration that is shipped, and says clearly why it does not.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { Broker, newId } from './broker.mjs';

const drop = (name) => (text) => text.replace(new RegExp(`^plugin_opt_${name} .*$`, 'm'), '');
const set = (name, value) => (text) => text.replace(new RegExp(`^plugin_opt_${name} .*$`, 'm'), `plugin_opt_${name} ${value}`);
const add = (line) => (text) => text.replace(/^plugin_opt_issuer/m, `${line}\nplugin_opt_issuer`);

const broken = [
	...['public_keys', 'issuer', 'audience', 'secret_file'].map((name) => (
		{ name: `without ${name}`, edit: drop(name), says: new RegExp(`option is missing.*"${name}"`) })),
	{ name: 'with an option that it does not know', edit: add('plugin_opt_colour red'), says: /unknown plugin option.*"colour"/ },
	{ name: 'with an option given twice', edit: add('plugin_opt_issuer other'), says: /given twice.*"issuer"/ },
	{ name: 'with a grace that is no number', edit: set('grace_ms', 'soon'), says: /not a number.*"grace_ms"/ },
	{ name: 'with a grace below nothing', edit: set('grace_ms', '-1'), says: /not a number.*"grace_ms"/ },
	{ name: 'with a grace of an hour', edit: set('grace_ms', '3600000'), says: /not a number.*"grace_ms"/ },
	{ name: 'with a negative limit of commands', edit: set('commands_per_s', '-1'), says: /not a number.*"commands_per_s"/ },
	{ name: 'with a gate that is neither open nor shut', edit: set('gate', 'yes'), says: /neither true nor false.*"gate"/ },
	{ name: 'with a key file that is not there', edit: set('public_keys', '/nowhere/key.pub'), says: /cannot read key file.*\/nowhere\/key.pub/ },
	{ name: 'with a key file that is a device', edit: set('public_keys', '/dev/zero'), says: /cannot read key file.*\/dev\/zero/ },
	{ name: 'with a key file that holds no key', edit: set('public_keys', '/etc/passwd'), says: /cannot use key file.*\/etc\/passwd.*no PEM block/ },
	{ name: 'with a secret file that is not there', edit: set('secret_file', '/nowhere/secret'), says: /cannot read secret file.*\/nowhere\/secret/ },
	{ name: 'with a secret file that is a device', edit: set('secret_file', '/dev/null'), says: /cannot read secret file.*\/dev\/null/ },
	{ name: 'with a secret that is too short', edit: set('secret_file', '/etc/debian_version'), says: /secret is too short/ },
];

for (const { name, edit, says } of broken) {
	test(`does not start ${name}`, async () => {
		await assert.rejects(Broker.start({ edit }), (error) => {
			assert.match(error.message, says);
			return true;
		});
	});
}

test('both listeners are on loopback alone, and the broker ends well', async () => {
	const broker = await Broker.start();
	const listening = fs.readFileSync(`/proc/${broker.process.pid}/net/tcp`, 'utf8').split('\n').map((line) => line.trim().split(/\s+/))
		.filter((fields) => fields[3] === '0A').map((fields) => fields[1]);
	const everywhere = fs.readFileSync(`/proc/${broker.process.pid}/net/tcp6`, 'utf8');
	for (const port of [broker.port, broker.wsPort]) {
		const hex = port.toString(16).toUpperCase().padStart(4, '0');
		assert.deepEqual(listening.filter((address) => address.endsWith(`:${hex}`)), [`0100007F:${hex}`]);
		assert.ok(!new RegExp(`:${hex} \\S+ 0A`).test(everywhere), 'not on IPv6');
	}
	const clients = await Promise.all([{}, { ws: true }, { clean: false, properties: { sessionExpiryInterval: 60 } }]
		.map((options) => broker.connect(newId(), options)));
	clients[2].end();
	await broker.stop();
});
