// The static page: puts this instance's addresses into the text, says how it is, lets commands be copied.

const HEALTH_EVERY_MS = 15_000;

/** What the placeholders stand for: from the page's own address, and from what clients are told. */
function valuesOf(config) {
	const mqtt = config?.mqtt?.url ?? `mqtt://${location.hostname}:1883`;
	const broker = mqtt.match(/^[a-z]+:\/\/(\[[^\]]*\]|[^:/]+)(?::([0-9]+))?/) ?? [];
	return {
		origin: location.origin,
		mqtt,
		mqtt_host: (broker[1] ?? location.hostname).replace(/^\[|\]$/g, ''),
		mqtt_port: broker[2] ?? '1883',
		ws: config?.mqtt?.ws_url ?? `${location.origin.replace(/^http/, 'ws')}/mqtt`,
	};
}

function fill(values) {
	for (const element of document.querySelectorAll('[data-fill]'))
		element.textContent = element.dataset.fill.replace(/\{([a-z_]+)\}/g, (all, name) => values[name] ?? all);
}

/** A button on each command. The clipboard is there in a secure context alone, as loopback is. */
function addCopyButtons() {
	if (!navigator.clipboard) return;
	for (const block of document.querySelectorAll('.command')) {
		const button = document.createElement('button');
		button.type = 'button';
		button.textContent = 'Copy';
		button.addEventListener('click', async () => {
			await navigator.clipboard.writeText(block.querySelector('code').textContent + '\n');
			button.textContent = 'Copied';
			setTimeout(() => (button.textContent = 'Copy'), 1500);
		});
		block.append(button);
	}
}

async function showHealth() {
	const state = document.getElementById('state');
	let good = false;
	try {
		good = (await fetch('/health', { cache: 'no-store' })).ok;
	} catch {
		// the server is not there: that is what the page then says
	}
	state.className = `state ${good ? 'good' : 'bad'}`;
	state.textContent = good ? 'This instance is healthy.' : 'This instance cannot serve at the moment.';
}

async function loadConfig() {
	try {
		const answer = await fetch('/api/v1/config');
		return answer.ok ? await answer.json() : null;
	} catch {
		return null;
	}
}

addCopyButtons();
showHealth();
setInterval(showHealth, HEALTH_EVERY_MS);
loadConfig().then((config) => {
	fill(valuesOf(config));
	if (config?.version) document.getElementById('version').textContent = `Parley ${config.version}`;
});
