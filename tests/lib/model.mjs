// What a server has to come to, kept in the simplest way: lists of what happened, and who has it. Nothing is counted ahead, and there are
// no watermarks but those that clients are told of: unread, status and history follow from who was there when a message was sent, and who
// has read it since. Whoever drives it does the same to a server and compares (tests/api/property.test.mjs).
//
// Each thing that people do is a method: it answers the status that the server has to answer, and where that is a success it has happened.

const RIGHTS = { owner: ['conversation', 'member', 'admin', 'owner', 'message', 'group'], admin: ['conversation', 'member', 'message'], member: [] };
const may = (role, touched) => touched.every((thing) => RIGHTS[role].includes(thing));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export class Model {
	constructor() {
		this.rooms = [];
		this.clock = 0;
		this.told = new Map(); // by person: the events of each conversation that have a rev
		this.receipts = new Map(); // by person: those that have none
	}

	// --- what people see -------------------------------------------------------------------------

	readable(room, person) {
		const me = room.members.get(person.id);
		return me ? room.messages.filter(({ seq }) => seq > me.floor) : [];
	}

	unread(room, person) {
		return this.readable(room, person).filter(
			({ sender_id, deleted, had, read }) =>
				sender_id && sender_id !== person.id && !deleted && had.has(person.id) && !read.has(person.id),
		).length;
	}

	/** Whose it is to receive, and how far it has come with each. */
	recipients({ sender_id, had, read, delivered }) {
		const status = (id) => (read.has(id) ? 'read' : delivered.has(id) ? 'delivered' : 'sent');
		return [...had]
			.filter((id) => id !== sender_id)
			.sort()
			.map((user_id) => ({ user_id, status: status(user_id) }));
	}

	status(message) {
		const all = this.recipients(message).map(({ status }) => status);
		return ['sent', 'delivered'].find((status) => all.length === 0 || all.includes(status)) ?? 'read';
	}

	ask(person, room, message) {
		return this.#find(room, person, message) ? 200 : 404;
	}

	/** A message for somebody (undefined: nobody) who sees what is above the floor. Times are whether there is one; the system's ids are not known. */
	view(room, message, id, floor) {
		const { seq, rev, sender_id, type, body, metadata, reply_to, reactions, edited, deleted } = message;
		const quoted = reply_to && room.messages.find((other) => other.id === reply_to && other.seq > floor);
		return {
			id: sender_id ? message.id : 'system',
			conversation_id: room.id,
			seq,
			rev,
			sender_id,
			type,
			body: body ?? null,
			ciphertext: null,
			metadata: metadata ?? {},
			reply_to: reply_to ?? null,
			quoted: quoted
				? { id: quoted.id, seq: quoted.seq, sender_id: quoted.sender_id, type: quoted.type, body: quoted.body && [...quoted.body].slice(0, 256).join(''), deleted_at: quoted.deleted }
				: null,
			attachments: [],
			reactions: [...reactions].map(([emoji, who]) => ({ emoji, count: who.size, mine: who.has(id) })),
			edited_at: edited,
			deleted_at: deleted,
			status: this.status(message),
		};
	}

	/** The whole list of a person, latest activity first. */
	list(person) {
		return this.rooms
			.filter(({ members }) => members.has(person.id))
			.sort((a, b) => b.active - a.active)
			.map((room) => {
				const me = room.members.get(person.id);
				const last = room.messages.at(-1);
				return {
					id: room.id,
					title: room.title,
					rev: room.rev,
					last_seq: room.messages.length,
					member_count: room.members.size,
					role: me.role,
					last_read_seq: me.read,
					last_delivered_seq: me.delivered,
					pinned: me.pinned,
					unread_count: this.unread(room, person),
					last_message: last && last.seq > me.floor ? this.view(room, last, person.id, me.floor) : null,
				};
			});
	}

	history(room, person) {
		const { floor } = room.members.get(person.id);
		return this.readable(room, person).map((message) => this.view(room, message, person.id, floor));
	}

	members(room) {
		return [...room.members]
			.map(([user_id, { role, read, delivered }]) => ({ user_id, role, last_read_seq: read, last_delivered_seq: delivered }))
			.sort((a, b) => (a.user_id < b.user_id ? -1 : 1));
	}

	// --- what they are told ----------------------------------------------------------------------

	#tell(room, type, ids, dataOf = () => undefined) {
		for (const id of ids) {
			if (!this.told.has(id)) this.told.set(id, new Map());
			const rooms = this.told.get(id);
			if (!rooms.has(room.id)) rooms.set(room.id, []);
			rooms.get(room.id).push({ type, rev: room.rev, data: dataOf(id) });
		}
	}

	/** A message is told to who may read it; what it quotes, if all of them may read that. */
	#tellMessage(room, message, type) {
		const readers = [...room.members].filter(([, { floor }]) => floor < message.seq);
		const floor = Math.max(...readers.map(([, reader]) => reader.floor));
		this.#tell(room, type, readers.map(([id]) => id), (id) => this.view(room, message, id, floor));
	}

	#tellReceipt(room, kind, user_id, seq) {
		for (const id of room.members.keys()) {
			if (!this.receipts.has(id)) this.receipts.set(id, []);
			this.receipts.get(id).push({ type: `receipt.${kind}`, conversation_id: room.id, user_id, seq });
		}
	}

	// --- what happens ----------------------------------------------------------------------------

	/** A conversation that has been opened: { id, kind, history }, with its people, the first of whom is its owner. */
	open({ id, kind, history = 'all', title = null }, people) {
		const room = { id, kind, history, title, rev: 1, messages: [], members: new Map(), blocked: new Set(), active: ++this.clock, former: new Set() };
		people.forEach((person, i) =>
			room.members.set(person.id, { role: kind === 'group' && i === 0 ? 'owner' : 'member', floor: 0, read: 0, delivered: 0, pinned: false }),
		);
		this.rooms.push(room);
		this.#tell(room, 'conversation.created', room.members.keys());
		return room;
	}

	#append(room, message) {
		room.rev++;
		room.active = ++this.clock;
		const added = {
			...message,
			seq: room.messages.length + 1,
			rev: room.rev,
			had: new Set(room.members.keys()),
			read: new Set(),
			delivered: new Set(),
			reactions: new Map(),
			edited: false,
			deleted: false,
		};
		room.messages.push(added);
		return added;
	}

	/** What happened to a group is told among its messages. */
	#say(room, metadata) {
		if (room.members.size === 0) return;
		const said = this.#append(room, { sender_id: null, type: 'system', metadata });
		this.#tellMessage(room, said, 'message.created');
	}

	#reach(room, id, kind, seq) {
		const me = room.members.get(id);
		for (const message of room.messages.slice(0, seq)) {
			message.delivered.add(id);
			if (kind === 'read') message.read.add(id);
		}
		const moved = seq > me.delivered || (kind === 'read' && seq > me.read);
		me.delivered = Math.max(me.delivered, seq);
		if (kind === 'read') me.read = Math.max(me.read, seq);
		return moved;
	}

	#find(room, person, message) {
		const me = room.members.get(person.id);
		return me && message && message.seq > me.floor;
	}

	send(person, room, { id, body, metadata, reply_to }) {
		const me = room.members.get(person.id);
		if (!me) return 404;
		const before = room.messages.find((message) => message.id === id);
		if (before) return before.seq > me.floor ? 200 : 404;
		if (reply_to && !this.readable(room, person).some((message) => message.id === reply_to)) return 422;
		if (room.blocked.size > 0) return 403;
		const behind = me.read < room.messages.length;
		const message = this.#append(room, { id, sender_id: person.id, type: 'text', body, metadata, reply_to, first: { id, body, metadata, reply_to } });
		this.#reach(room, person.id, 'read', message.seq);
		this.#tellMessage(room, message, 'message.created');
		if (behind) this.#tellReceipt(room, 'read', person.id, message.seq);
		return 201;
	}

	edit(person, room, message, change) {
		if (!this.#find(room, person, message)) return 404;
		if (message.sender_id !== person.id) return 403;
		if (message.deleted) return 409;
		const after = { body: message.body, metadata: message.metadata ?? {}, ...change };
		if (!after.body) return 422;
		if (after.body === message.body && same(after.metadata, message.metadata ?? {})) return 200;
		if (room.blocked.size > 0) return 403;
		Object.assign(message, after, { edited: true, rev: ++room.rev });
		this.#tellMessage(room, message, 'message.updated');
		return 200;
	}

	delete(person, room, message) {
		if (!this.#find(room, person, message)) return 404;
		if (!message.sender_id) return 403;
		if (message.sender_id !== person.id && !may(room.members.get(person.id).role, ['message'])) return 403;
		if (message.deleted) return 204;
		Object.assign(message, { body: null, metadata: null, reply_to: null, reactions: new Map(), edited: false, deleted: true, rev: ++room.rev });
		this.#tellMessage(room, message, 'message.deleted');
		return 204;
	}

	react(person, room, message, emoji) {
		if (!this.#find(room, person, message)) return 404;
		if (message.deleted) return 409;
		if (message.reactions.get(emoji)?.has(person.id)) return 204;
		if (room.blocked.size > 0) return 403;
		message.reactions.set(emoji, (message.reactions.get(emoji) ?? new Set()).add(person.id));
		message.rev = ++room.rev;
		this.#tellMessage(room, message, 'message.updated');
		return 204;
	}

	unreact(person, room, message, emoji) {
		if (!this.#find(room, person, message)) return 404;
		const who = message.reactions.get(emoji);
		if (!who?.delete(person.id)) return 204;
		if (who.size === 0) message.reactions.delete(emoji);
		message.rev = ++room.rev;
		this.#tellMessage(room, message, 'message.updated');
		return 204;
	}

	/** kind: read or delivered. seq undefined: the latest. */
	reach(person, room, kind, seq = room.messages.length) {
		if (!room.members.has(person.id)) return 404;
		if (seq > room.messages.length) return 422;
		if (this.#reach(room, person.id, kind, seq)) this.#tellReceipt(room, kind, person.id, seq);
		return 200;
	}

	#otherOwner(room, id) {
		return [...room.members].some(([other, { role }]) => other !== id && role === 'owner');
	}

	put(person, room, other, role) {
		const me = room.members.get(person.id);
		if (!me) return 404;
		if (room.kind === 'direct') return 409;
		const had = room.members.get(other.id)?.role;
		const wanted = role ?? had ?? 'member';
		if (other.id === person.id && had === wanted) return 204;
		if (!may(me.role, had === wanted ? ['member'] : [had, wanted].filter(Boolean))) return 403;
		if (had === wanted) return 204;
		if (had === 'owner' && !this.#otherOwner(room, other.id)) return 409;
		const seq = room.messages.length;
		if (had) room.members.get(other.id).role = wanted;
		else room.members.set(other.id, { role: wanted, floor: room.history === 'all' ? 0 : seq, read: seq, delivered: seq, pinned: false });
		room.rev++;
		const event = had ? 'member.updated' : 'member.added';
		this.#tell(room, event, room.members.keys());
		this.#say(room, { event, by: person.id, user_id: other.id, role: wanted });
		return 204;
	}

	remove(person, room, other) {
		const me = room.members.get(person.id);
		if (!me) return person.id === other.id && room.former.has(person.id) ? 204 : 404;
		if (room.kind === 'direct') return 409;
		const had = room.members.get(other.id)?.role;
		if (other.id !== person.id && !may(me.role, [had ?? 'member'])) return 403;
		if (!had) return 204;
		if (had === 'owner' && !this.#otherOwner(room, other.id)) return 409;
		room.rev++;
		this.#tell(room, 'member.removed', room.members.keys());
		room.members.delete(other.id);
		room.former.add(other.id);
		for (const message of room.messages) message.had.delete(other.id);
		this.#say(room, { event: other.id === person.id ? 'member.left' : 'member.removed', by: person.id, user_id: other.id, role: had });
		return 204;
	}

	rename(person, room, title) {
		const me = room.members.get(person.id);
		if (!me) return 404;
		if (room.kind === 'direct') return 409;
		if (!may(me.role, ['conversation'])) return 403;
		if (title === room.title) return 200;
		room.title = title;
		room.rev++;
		this.#tell(room, 'conversation.updated', room.members.keys());
		this.#say(room, { event: 'conversation.updated', by: person.id, title });
		return 200;
	}

	close(person, room) {
		const me = room.members.get(person.id);
		if (!me) return 404;
		if (room.kind === 'direct') return 409;
		if (!may(me.role, ['group'])) return 403;
		room.rev++;
		this.#tell(room, 'conversation.deleted', room.members.keys());
		this.rooms.splice(this.rooms.indexOf(room), 1);
		return 204;
	}

	pin(person, room, pinned) {
		const me = room.members.get(person.id);
		if (!me) return 404;
		me.pinned = pinned;
		return 200;
	}

	/** One of two blocks the other, or no longer. */
	block(person, other, blocks) {
		for (const room of this.rooms.filter(({ kind, members }) => kind === 'direct' && members.has(person.id) && members.has(other.id)))
			room.blocked[blocks ? 'add' : 'delete'](person.id);
		return 204;
	}
}
