// Shows openapi.yaml and asyncapi.yaml: an outline of their routes, channels and schemas, each with the
// text of the document itself. It goes by the layout in which the two are written (two spaces a level),
// so there is no second copy that could differ, and no parser of YAML in the page.

/** The keys that stand at an indent, each with the lines below it: [{ key, lines }]. */
export function blocksOf(lines, indent) {
	const head = new RegExp(`^ {${indent}}(?:"([^"]+)"|([^\\s"#-][^:]*)):( |$)`);
	const blocks = [];
	for (const line of lines) {
		const found = line.match(head);
		if (found) blocks.push({ key: found[1] ?? found[2], lines: [line] });
		else blocks.at(-1)?.lines.push(line);
	}
	return blocks;
}

const inside = (blocks, key) => blocks.find((block) => block.key === key)?.lines.slice(1) ?? [];

/** What one line says behind its key, folded over the lines below it. */
function valueOf(lines) {
	const first = lines[0].slice(lines[0].indexOf(':') + 1).trim();
	const text =
		/^[|>]-?$/.test(first) || first === ''
			? lines
					.slice(1)
					.map((line) => line.trim())
					.join('\n')
			: first;
	return text.replace(/^"(.*)"$/s, '$1').trim();
}

const said = (lines, indent, key) => {
	const block = blocksOf(lines, indent).find((candidate) => candidate.key === key);
	return block ? valueOf(block.lines).replaceAll('\n', ' ') : '';
};

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

/** A document as { about, groups: [{ title, entries: [{ id, label, name, said, lines }] }] }. */
export function outlineOf(text) {
	const top = blocksOf(text.split('\n'), 0);
	const info = blocksOf(inside(top, 'info'), 2);
	const about = valueOf(info.find(({ key }) => key === 'description')?.lines ?? [':']).split(/\n\n+/);
	const base =
		inside(top, 'servers')
			.find((line) => line.startsWith('  - url:'))
			?.split('url:')[1]
			.trim() ?? '';

	const routes = blocksOf(inside(top, 'paths'), 2).flatMap(({ key: path, lines }) => {
		const own = lines.some((line) => line === '    servers:') ? '' : base;
		return blocksOf(lines.slice(1), 4)
			.filter(({ key }) => METHODS.includes(key))
			.map((block) => ({
				id: said(block.lines.slice(1), 6, 'operationId'),
				label: block.key.toUpperCase(),
				name: own + path,
				said: said(block.lines.slice(1), 6, 'summary'),
				lines: block.lines,
			}));
	});
	const channels = blocksOf(inside(top, 'channels'), 2).map(({ key, lines }) => ({
		id: `channels-${key}`,
		label: '',
		name: said(lines.slice(1), 4, 'address'),
		said: said(lines.slice(1), 4, 'title'),
		lines,
	}));
	const parts = blocksOf(inside(top, 'components'), 2).map(({ key: kind, lines }) => ({
		title: kind,
		entries: blocksOf(lines.slice(1), 4).map((block) => ({
			id: `${kind}-${block.key}`,
			label: '',
			name: block.key,
			said: '',
			lines: block.lines,
		})),
	}));
	const groups = [{ title: 'routes', entries: routes }, { title: 'channels', entries: channels }, ...parts];
	return { about, groups: groups.filter(({ entries }) => entries.length > 0) };
}

// --- the page -----------------------------------------------------------------------------------

function element(name, className, ...content) {
	const made = document.createElement(name);
	if (className) made.className = className;
	made.append(...content);
	return made;
}

/** Text with its `code` and **bold** parts as elements. */
function inline(text) {
	return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
		if (part.startsWith('`')) return element('code', '', part.slice(1, -1));
		return part.startsWith('**') ? element('b', '', part.slice(2, -2)) : part;
	});
}

/** The document's own lines; what refers to another part leads there. */
function source(lines) {
	const least = Math.min(...lines.filter((line) => line.trim()).map((line) => line.search(/\S/)));
	const pre = element('pre');
	for (const part of lines
		.map((line) => line.slice(least))
		.join('\n')
		.trimEnd()
		.split(/((?:\.\/openapi\.yaml)?#\/[A-Za-z./-]+)/)) {
		const [, kind, name] = part.match(/#\/(?:components\/)?([a-zA-Z]+)\/([A-Za-z.-]+)$/) ?? [];
		if (!name) {
			pre.append(part);
			continue;
		}
		const link = element('a', '', part);
		link.href = `#${kind}-${name}`;
		pre.append(link);
	}
	return pre;
}

function entryOf({ id, label, name, said: words, lines }) {
	const summary = element('summary', '');
	if (label) summary.append(element('code', 'method', label));
	summary.append(element('code', '', name), element('span', 'said', ...inline(words)));
	const details = element('details', '', summary, source(lines));
	// both documents may have a part of one name: the first has the id
	if (!document.getElementById(id)) details.id = id;
	return details;
}

/** Opens what the address names, also when a link inside the page leads there. */
function openTarget() {
	const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
	if (target?.tagName !== 'DETAILS') return;
	target.open = true;
	target.scrollIntoView();
}

async function show(place) {
	const answer = await fetch(place.dataset.document);
	if (!answer.ok) throw new Error(`${place.dataset.document}: ${answer.status}`);
	const { about, groups } = outlineOf(await answer.text());
	place.replaceChildren(
		element(
			'div',
			'about',
			...about.map((paragraph) => element('p', '', ...inline(paragraph.replaceAll('\n', ' ')))),
		),
	);
	for (const { title, entries } of groups)
		place.append(
			element(
				'h3',
				'',
				title.replace(/([A-Z])/g, ' $1').replace(/^./, (c) => c.toUpperCase()),
			),
			...entries.map(entryOf),
		);
}

if (typeof document !== 'undefined') {
	for (const place of document.querySelectorAll('[data-document]')) await show(place);
	window.addEventListener('hashchange', openTarget);
	openTarget();
}
