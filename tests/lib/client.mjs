// People as the tests play them: over HTTP with fetch, over MQTT with the npm package mqtt.
import { randomBytes } from 'node:crypto';
import { after } from 'node:test';
import mqtt from 'mqtt';
import { checkAnswer, checkEvent } from './contract.mjs';

export const PASSWORD = 'a long enough password';

// A test that fails leaves its connections behind, and they would keep the file from ending.
const opened = new Set();
after(() => {
	for (const client of opened) client.end(true);
});

/**
 * fetch with a token and JSON, and with the headers of always. Each method resolves to { status, headers, body, text }, whatever the
 * status; body is undefined when the answer is not JSON. options: headers, and body for what JSON
 * cannot say (it is sent as it is). An answer that openapi.yaml does not document is an error.
 */
export function api(stack, token, always = {}) {
	const call = async (method, path, json, { headers = {}, body } = {}) => {
		const sent = { ...always, ...headers };
		if (token) sent.authorization ??= `Bearer ${token}`;
		if (json !== undefined) {
			sent['content-type'] ??= 'application/json';
			body = JSON.stringify(json);
		}
		const address = path.startsWith('/') ? stack.url + path : `${stack.url}/api/v1/${path}`;
		const answer = await fetch(address, { method, headers: sent, body, redirect: 'manual' });
		const text = await answer.text();
		let parsed;
		if (text && /json/.test(answer.headers.get('content-type') ?? '')) parsed = JSON.parse(text);
		checkAnswer(method, address.slice(stack.url.length), answer.status, answer.headers, parsed, text);
		return { status: answer.status, headers: answer.headers, body: parsed, text };
	};
	return {
		call,
		get: (path, options) => call('GET', path, undefined, options),
		head: (path, options) => call('HEAD', path, undefined, options),
		post: (path, json, options) => call('POST', path, json, options),
		patch: (path, json, options) => call('PATCH', path, json, options),
		put: (path, json, options) => call('PUT', path, json, options),
		delete: (path, options) => call('DELETE', path, undefined, options),
	};
}

/** The answer, when it has the status; else an error that shows it. */
export function must(answer, status) {
	if (answer.status !== status)
		throw new Error(`HTTP ${answer.status} instead of ${status}: ${answer.text}`);
	return answer.body;
}

/** A handle that no other test uses. */
export function handleOf(name) {
	return `${name.toLowerCase().replaceAll(/[^a-z0-9_.-]/g, '-').slice(0, 20)}-${randomBytes(5).toString('hex')}`;
}

/**
 * A new person, signed in: { id, handle, user, token, refresh_token, session, api, stack }. The name is
 * for the reader of a failure; the handle is unique.
 */
export async function register(stack, name = 'Someone', more = {}) {
	const handle = handleOf(name);
	const answer = await api(stack).post('auth/register', {
		handle,
		display_name: name,
		password: PASSWORD,
		...more,
	});
	return person(stack, handle, must(answer, 201));
}

/** Another sign-in of a person, with a session of its own: what register resolves to. */
export async function signIn({ stack, handle }, more = {}) {
	const answer = await api(stack).post('auth/login', { handle, password: PASSWORD, ...more });
	return person(stack, handle, must(answer, 200));
}

function person(stack, handle, body) {
	return {
		stack,
		handle,
		id: body.user.id,
		user: body.user,
		token: body.access_token,
		refresh_token: body.refresh_token,
		session: body.session,
		api: api(stack, body.access_token),
	};
}

/** The direct conversation of two people. */
export async function directOf(person, other) {
	const answer = await person.api.post('conversations', { kind: 'direct', member_ids: [other.id] });
	if (answer.status !== 200) must(answer, 201);
	return answer.body;
}

/** A new group of a person with others. */
export async function groupOf(person, others, more = {}) {
	const answer = await person.api.post('conversations', {
		kind: 'group',
		title: 'Group',
		member_ids: others.map((other) => other.id),
		...more,
	});
	return must(answer, 201);
}

/** Sends a text; resolves to the message. */
export async function send(person, conversation, body, more = {}) {
	const answer = await person.api.post(`conversations/${conversation.id}/messages`, { body, ...more });
	if (answer.status !== 200) must(answer, 201);
	return answer.body;
}

/** Full jitter: anything up to half a second, doubled after each failure, up to 10 s. */
function backOff(client) {
	let failures = 0;
	// before the listener that starts the timer
	client.prependListener('close', () => {
		client.options.reconnectPeriod = 1 + Math.random() * Math.min(10_000, 500 * 2 ** failures++);
	});
	client.on('connect', () => (failures = 0));
}

/**
 * Connects a person's device. options: device, ws (over WebSocket), version (4 or 5), subscribe (default:
 * all of one's own topics), keepalive, reconnect (off unless set: then as asyncapi.yaml recommends), and client for
 * any other of mqtt's.
 * Rejects when the broker refuses.
 *
 * What arrives is kept until it is taken: { topic, packet, payload, event }, event being the parsed JSON.
 * What asyncapi.yaml does not document fails the test.
 */
export async function connect(person, options = {}) {
	const {
		device = `test-${randomBytes(4).toString('hex')}`,
		ws = false,
		version = 5,
		subscribe = [`users/${person.id}/#`],
		keepalive = 60,
		reconnect = false,
		client: more = {},
	} = options;
	const client = mqtt.connect(ws ? person.stack.wsUrl : person.stack.mqttUrl, {
		protocolVersion: version,
		clientId: `${person.id}/${device}`,
		username: person.id,
		password: person.token,
		keepalive,
		clean: true,
		connectTimeout: 10_000,
		reconnectPeriod: reconnect ? 200 : 0,
		...more,
	});
	opened.add(client);
	if (reconnect) backOff(client);

	const kept = [];
	const waiting = new Set();
	client.on('message', (topic, payload, packet) => {
		let event;
		try {
			event = JSON.parse(payload.toString());
		} catch {
			// not JSON: whoever expects that looks at payload
		}
		try {
			checkEvent(topic, payload, packet);
		} catch (error) {
			// fails the test that runs, also when nobody takes this message
			queueMicrotask(() => {
				throw error;
			});
		}
		kept.push({ topic, payload, packet, event });
		for (const look of [...waiting]) look();
	});
	let closed = false;
	const disconnects = [];
	client.on('disconnect', (packet) => disconnects.push(packet.reasonCode));
	client.on('connect', () => (closed = false));
	client.on('close', () => {
		closed = true;
		for (const look of [...waiting]) look();
	});

	await new Promise((resolve, reject) => {
		const refused = (error) => {
			client.end(true);
			reject(error);
		};
		client.once('error', refused);
		client.once('connect', () => {
			client.off('error', refused);
			resolve();
		});
		client.once('close', () => reject(new Error('the broker closed the connection')));
	});
	client.on('error', () => undefined); // later ones end in close, which is what tests look at

	const wait = (check, deadline, what) =>
		new Promise((resolve, reject) => {
			const look = () => {
				const found = check();
				if (found === undefined) return false;
				clearTimeout(timer);
				waiting.delete(look);
				resolve(found);
				return true;
			};
			const timer = setTimeout(() => {
				waiting.delete(look);
				reject(new Error(`not within ${deadline} ms: ${what()}`));
			}, deadline);
			waiting.add(look);
			look();
		});

	const device_ = {
		client,
		clientId: client.options.clientId,
		/** All that has come and was not taken. */
		kept,
		/** Reason codes of DISCONNECT packets of the broker (MQTT 5). */
		disconnects,
		/** Takes the first message that fits, waiting for it: predicate({ topic, event, … }). */
		next(predicate = () => true, deadline = 5000) {
			return wait(
				() => {
					const i = kept.findIndex((message) => predicate(message));
					return i < 0 ? undefined : kept.splice(i, 1)[0];
				},
				deadline,
				() =>
					`a message for ${predicate}; there are: ` +
					JSON.stringify(kept.map(({ topic, event }) => [topic, event?.type ?? event?.status])),
			);
		},
		/** Takes the first event of a type, and of a conversation if given. */
		event(type, conversation, deadline) {
			return device_
				.next(
					({ event }) =>
						event?.type === type &&
						(!conversation || event.conversation_id === (conversation.id ?? conversation)),
					deadline,
				)
				.then((message) => message.event);
		},
		/** Resolves when the connection has ended. */
		closed: (deadline = 5000) =>
			wait(
				() => (closed ? true : undefined),
				deadline,
				() => 'the connection is closed',
			),
		/** What the broker grants: the QoS or reason of each filter, also when it refuses. */
		subscribe: (filters, qos = 1) =>
			new Promise((resolve, reject) =>
				client.subscribe(filters, { qos }, (error, granted, packet) => {
					if (packet?.granted) resolve(packet.granted);
					else if (granted?.length) resolve(granted.map((grant) => grant.qos));
					else reject(error ?? new Error('no answer to the subscription'));
				}),
			),
		/** Publishes an object as JSON, or bytes as they are; resolves when it is acknowledged. */
		publish: (topic, content, { qos = 1, ...rest } = {}) =>
			client.publishAsync(
				topic,
				Buffer.isBuffer(content) || typeof content === 'string' ? content : JSON.stringify(content),
				{ qos, ...rest },
			),
		/** Goes without a word: the connection is cut, no DISCONNECT. */
		cut: () => client.stream.destroy(),
		end: (force = false) => client.endAsync(force),
	};
	if (subscribe.length) await device_.subscribe(subscribe);
	return device_;
}
