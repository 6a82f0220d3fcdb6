// A client's own store, kept by GET /sync alone, in the way in which openapi.yaml tells clients to do it.

/** What a person's device knows. limit: of a page. */
export function mirrorOf(person, { limit = 50 } = {}) {
	const mirror = {
		conversations: new Map(), // by id, as in the list; members where they came
		messages: new Map(), // by id
		next: undefined,
		resets: 0,
		/** One page, asked for and put into the store. */
		async page() {
			const since = mirror.next ? `since=${mirror.next}&` : '';
			const answer = await person.api.get(`sync?${since}limit=${limit}`);
			if (answer.status !== 200) throw new Error(`HTTP ${answer.status}: ${answer.text}`);
			const { body } = answer;
			const items = ['conversations', 'left', 'messages', 'receipts'].reduce((sum, list) => sum + body[list].length, 0);
			if (items > limit) throw new Error(`${items} things on a page of ${limit}`);
			take(mirror, body, person.id);
			mirror.next = body.next;
			return body;
		},
		/** A whole sweep; its pages. */
		async sync() {
			const pages = [];
			do pages.push(await mirror.page());
			while (pages.at(-1).has_more);
			return pages;
		},
		/** The messages of a conversation, oldest first. */
		history: (id) =>
			[...mirror.messages.values()].filter((message) => message.conversation_id === id).sort((a, b) => a.seq - b.seq),
	};
	return mirror;
}

function take(mirror, page, me) {
	if (page.reset) {
		mirror.resets++;
		mirror.conversations.clear();
		mirror.messages.clear();
	}
	for (const conversation of page.conversations) {
		const members = conversation.members ?? mirror.conversations.get(conversation.id)?.members;
		mirror.conversations.set(conversation.id, members ? { ...conversation, members } : conversation);
		const { last_read_seq, last_delivered_seq } = conversation.me;
		Object.assign(members?.find((one) => one.user_id === me) ?? {}, { last_read_seq, last_delivered_seq });
	}
	for (const id of page.left) {
		mirror.conversations.delete(id);
		for (const message of mirror.messages.values())
			if (message.conversation_id === id) mirror.messages.delete(message.id);
	}
	for (const message of page.messages) {
		const known = mirror.messages.get(message.id);
		if (!known || known.rev <= message.rev) mirror.messages.set(message.id, message);
	}
	for (const { conversation_id, user_id, last_read_seq, last_delivered_seq } of page.receipts) {
		if (user_id === me) throw new Error('one’s own watermarks are in the conversation');
		const member = mirror.conversations.get(conversation_id)?.members?.find((one) => one.user_id === user_id);
		if (member) Object.assign(member, { last_read_seq, last_delivered_seq });
	}
}
