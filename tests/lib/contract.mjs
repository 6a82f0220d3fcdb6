// The contract in its machine-readable form, held against what the server really says.
//
//	checkAnswer(method, path, status, headers, body)	throws when openapi.yaml does not know such an answer
//	checkEvent(topic, payload)							throws when asyncapi.yaml does not know such an event
//	watchRoutes(note)									calls note(method, pattern, status) for each answer checked
//
// The documents leave room for more fields, as clients have to; here there is none: a field that no
// document knows is a mistake of the server or of the document.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

const folder = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'web/api');

/** A document. Reading YAML takes as long as many a test file, so those of a run of tests/run share what comes out. */
function read(name) {
	const { PARLEY_TEST_WORK: work } = process.env;
	const kept = work && join(work, `${name}.json`);
	try {
		if (kept) return JSON.parse(readFileSync(kept, 'utf8'));
	} catch {
		// the first to need it
	}
	const document = parse(readFileSync(join(folder, name), 'utf8'));
	if (kept) {
		writeFileSync(`${kept}.${process.pid}`, JSON.stringify(document));
		renameSync(`${kept}.${process.pid}`, kept);
	}
	return document;
}

export const openapi = read('openapi.yaml');
export const asyncapi = read('asyncapi.yaml');

// --- schemas ------------------------------------------------------------------------------------

const BASE = 'https://contract.invalid/';

/** Schemas that are parts of others by allOf stay open: the whole is closed, not its parts. */
function partsOf(node, parts = new Set()) {
	if (node === null || typeof node !== 'object') return parts;
	if (Array.isArray(node.allOf))
		for (const part of node.allOf) if (part.$ref) parts.add(part.$ref.split('#')[1]);
	for (const value of Object.values(node)) partsOf(value, parts);
	return parts;
}

const isObject = (schema) =>
	schema.properties !== undefined &&
	[schema.type].flat().includes('object') &&
	schema.unevaluatedProperties === undefined;

/** Closes every object schema below node. at: its JSON pointer. */
function close(node, parts, at = '') {
	if (node === null || typeof node !== 'object') return;
	for (const [key, value] of Object.entries(node)) close(value, parts, `${at}/${key}`);
	if (!Array.isArray(node) && isObject(node) && !parts.has(at)) node.unevaluatedProperties = false;
}

function compiler() {
	// what both kinds of document have around and beside their schemas
	const words = [...Object.keys(openapi), ...Object.keys(asyncapi), 'discriminator', 'example', 'xml'];
	const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
	addFormats(ajv);
	for (const word of new Set(words)) if (word !== '$id') ajv.addKeyword(word);
	const documents = { 'openapi.yaml': structuredClone(openapi), 'asyncapi.yaml': structuredClone(asyncapi) };
	const parts = partsOf(documents);
	for (const [name, document] of Object.entries(documents)) {
		close(document, parts);
		ajv.addSchema({ $id: BASE + name, ...document });
	}
	return ajv;
}

const ajv = compiler();
const pointer = (keys) =>
	keys.map((key) => '/' + String(key).replaceAll('~', '~0').replaceAll('/', '~1')).join('');

/** The compiled schema at a place of a document. */
function schemaAt(document, keys) {
	const id = `${BASE}${document}#${pointer(keys).split('/').map(encodeURIComponent).join('/')}`;
	const validate = ajv.getSchema(id);
	if (!validate) throw new Error(`no schema at ${id}`);
	return validate;
}

/** Throws, saying what of value does not fit. */
function fit(validate, value, what) {
	if (validate(value)) return;
	const faults = validate.errors.map(
		(error) => `${error.instancePath || '/'} ${error.message} ${JSON.stringify(error.params)}`,
	);
	throw new Error(
		`${what} is not as documented:\n  ${faults.join('\n  ')}\n  it is ${JSON.stringify(value)?.slice(0, 2000)}`,
	);
}

/** The thing itself, or what its $ref in this document names; with the keys that lead to it. */
function follow(document, keys) {
	const thing = keys.reduce((node, key) => node[key], document);
	return thing.$ref ? follow(document, thing.$ref.slice(2).split('/')) : { thing, keys };
}

// --- HTTP ---------------------------------------------------------------------------------------

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

const patternOf = (path) =>
	new RegExp('^' + path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{[a-z]+\}/g, '[^/]+') + '$');

/** Every documented route, in the order of the document: { method, path, pattern, keys, user }, path from the root on. */
export const documentedRoutes = Object.entries(openapi.paths).flatMap(([path, item]) => {
	const base = (item.servers ?? openapi.servers)[0].url.replace(/\/$/, '');
	return Object.keys(item).filter((key) => METHODS.includes(key)).map((method) => ({
		method: method.toUpperCase(),
		path: base + path,
		pattern: patternOf(base + path),
		keys: ['paths', path, method],
		operation: item[method],
		user: (item[method].security ?? openapi.security).length > 0,
	}));
});

/** The rows at a path: literal segments go before patterns. */
function rowsAt(path) {
	const rows = documentedRoutes.filter((route) => route.pattern.test(path));
	const literal = rows.filter((route) => route.path === path);
	return literal.length > 0 ? literal : rows;
}

let watcher = () => undefined;

/** Calls note(method, path pattern, status) for each answer of a documented route from now on. */
export function watchRoutes(note) {
	watcher = note;
}

function checkHeaders(declared, keys, headers, what) {
	for (const name of Object.keys(declared ?? {})) {
		const { thing, keys: place } = follow(openapi, [...keys, 'headers', name]);
		const value = headers.get(name);
		if (value === null) {
			if (thing.required) throw new Error(`${what} has no ${name}`);
			continue;
		}
		fit(schemaAt('openapi.yaml', [...place, 'schema']), value, `${name} of ${what}`);
	}
	if (headers.has('RateLimit') !== headers.has('RateLimit-Policy'))
		throw new Error(`${what} has one of RateLimit and RateLimit-Policy`);
}

/** What the web server in front says by itself: a status and a document of its own. */
function checkFront(status, body, what, dropin) {
	const schema = dropin ? 'DropinRefusal' : 'FrontProblem';
	fit(schemaAt('openapi.yaml', ['components', 'schemas', schema]), body, `${what} without X-Request-Id`);
	if (!dropin && body.status !== status) throw new Error(`${what} says that it is ${body.status}`);
}

function checkLength(headers, text, what) {
	if (text === undefined) return;
	const length = headers.get('Content-Length');
	if (length !== String(Buffer.byteLength(text))) throw new Error(`${what} has Content-Length ${length}`);
}

/**
 * Throws unless the answer is one that openapi.yaml documents for this request. Paths that are none of
 * the API's are left alone. headers: of fetch; body: parsed, undefined when there is none; text: the
 * body as it came, to be measured.
 */
export function checkAnswer(method, path, status, headers, body, text) {
	const at = path.split('?')[0];
	const dropin = /^\/messages(\/|$)/.test(at);
	if (!dropin && !/^\/(api\/v1(\/|$)|health$)/.test(at)) return;
	const head = method === 'HEAD';
	const asked = head ? 'GET' : method;
	const what = `${status} to ${method} ${path.slice(0, 200)}`;
	const rows = rowsAt(at);
	const route = rows.find((row) => row.method === asked);

	if (!head && !headers.has('X-Request-Id')) return checkFront(status, body, what, dropin);
	let keys;
	if (route && (route.operation.responses[status] || ![404, 405].includes(status))) {
		if (!route.operation.responses[status])
			throw new Error(`${what} is not documented: ${JSON.stringify(body)}`);
		keys = [...route.keys, 'responses', String(status)];
		watcher(route.method, route.path, status);
	} else if (!route && rows.length === 0) {
		// an address that is none: nothing but what is said of any address
		const all = { 400: 'Malformed', 404: 'NotFound', 414: 'UriTooLong', 431: 'HeadersTooLarge' };
		if (!all[status]) throw new Error(`${what}, which is no documented address`);
		keys = ['components', 'responses', dropin ? 'DropinRefused' : all[status]];
	} else if (!route) {
		if (status !== (asked === 'OPTIONS' ? 204 : 405)) throw new Error(`${what}, a method that is not documented`);
		const allow = headers.get('Allow')?.split(', ').sort().join();
		const expected = rows
			.map((row) => row.method)
			.sort()
			.join();
		if (allow !== expected) throw new Error(`${what} allows ${allow}, not ${expected}`);
		const refused = dropin ? 'DropinMethodNotAllowed' : 'MethodNotAllowed';
		keys = ['components', 'responses', status === 204 ? 'Options' : refused];
	} else {
		throw new Error(`${what} is not documented`);
	}
	const { thing: response, keys: place } = follow(openapi, keys);
	checkHeaders(response.headers, place, headers, what);
	if (!response.content) {
		if (text || headers.has('Content-Type')) throw new Error(`${what} has a body`);
		return;
	}
	const [type] = Object.keys(response.content);
	if (type === '*/*') {
		// a file: of its own type; its bytes are for the test to compare
		if (!headers.get('Content-Type')) throw new Error(`${what} is of no type`);
		if (head && text) throw new Error(`${what} has a body`);
		return;
	}
	if (headers.get('Content-Type') !== type)
		throw new Error(`${what} is of ${headers.get('Content-Type')}, not ${type}`);
	if (head) {
		if (text) throw new Error(`${what} has a body`);
		return;
	}
	checkLength(headers, text, what);
	fit(schemaAt('openapi.yaml', [...place, 'content', type, 'schema']), body, what);
	if (body.request_id !== undefined && body.request_id !== headers.get('X-Request-Id'))
		throw new Error(`${what} has two request ids`);
}

// --- MQTT ---------------------------------------------------------------------------------------

const channels = Object.entries(asyncapi.channels).map(([name, channel]) => ({
	name,
	channel,
	pattern: patternOf(channel.address),
	operation: Object.values(asyncapi.operations).find(
		(operation) => operation.channel.$ref === `#/channels/${name}`,
	),
})).filter(({ operation }) => operation.action === 'send');

/** What a payload is on a channel: its type; an answer to a command is a problem or it is not. */
function typeOf(name, names, event) {
	if (name === 'replies') return event.type === 'about:blank' ? 'reply.problem' : 'reply.sent';
	return names.length === 1 && event.type === undefined ? names[0] : event.type;
}

/** The schema of an event's type on a channel; where there is one message, it needs no type. */
function messageOf({ name, channel }, event) {
	const names = Object.keys(channel.messages);
	const type = typeOf(name, names, event);
	if (!names.includes(type))
		throw new Error(`${name} has no events of type ${event.type}: ${JSON.stringify(event)}`);
	const { keys } = follow(asyncapi, ['channels', name, 'messages', type]);
	return follow(asyncapi, [...keys, 'payload']).keys;
}

/**
 * Throws unless asyncapi.yaml documents such a payload (a string or bytes) on this topic. What clients
 * publish themselves, below commands/, is left alone. packet: as the npm package mqtt gives it.
 */
export function checkEvent(topic, payload, packet) {
	if (/^users\/[^/]+\/commands\//.test(topic)) return;
	const row = channels.find((candidate) => candidate.pattern.test(topic));
	if (!row) throw new Error(`an event on ${topic}, which is not documented: ${payload}`);
	const event = JSON.parse(payload.toString());
	fit(schemaAt('asyncapi.yaml', messageOf(row, event)), event, `an event on ${topic}`);
	const { qos, retain } = row.operation.bindings.mqtt;
	if (packet && packet.qos > qos) throw new Error(`an event on ${topic} has QoS ${packet.qos}`);
	// only what is retained may come with the mark, and then not as it happens
	if (packet?.retain && !retain) throw new Error(`an event on ${topic} is retained`);
}
