// What processes have used, from /proc.
import { readFileSync, readdirSync } from 'node:fs';

const TICK_US = 10_000; // of /proc, on every Linux that Debian runs on

function stat(pid) {
	let text;
	try {
		text = readFileSync(`/proc/${pid}/stat`, 'latin1');
	} catch {
		return undefined; // it has ended since its directory was listed
	}
	const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
	const [, parent] = fields.map(Number);
	const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number);
	return { pid: Number(pid), parent, own: user + system, ended: childUser + childSystem };
}

function processes() {
	return readdirSync('/proc')
		.filter((name) => /^[0-9]+$/.test(name))
		.map(stat)
		.filter(Boolean);
}

/** The process and all below it. */
function familyOf(pid, all) {
	const family = all.filter((process) => process.pid === pid);
	for (let i = 0; i < family.length; i++)
		family.push(...all.filter((process) => process.parent === family[i].pid));
	return family;
}

/**
 * Ticks of the process and all below it, also of those that have ended. One that ends while this looks would be
 * missed or counted twice: look again until nothing has changed.
 */
function familyTicks(pid) {
	let last = '';
	for (let tries = 0; tries < 100; tries++) {
		const family = familyOf(pid, processes());
		const root = stat(pid);
		if (!root) throw new Error(`process ${pid} has ended`);
		const seen = `${root.ended} ${family.map((one) => one.pid).join(' ')}`;
		if (seen === last) return family.reduce((sum, one) => sum + one.own + one.ended, 0);
		last = seen;
	}
	throw new Error(`the processes below ${pid} change all the time`);
}

/** Processes directly below pid. */
export function childrenOf(pid) {
	return processes()
		.filter((process) => process.parent === pid)
		.map((process) => process.pid);
}

function busyTicks() {
	const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'latin1')
		.split('\n')[0]
		.trim()
		.split(/ +/)
		.slice(1)
		.map(Number);
	return user + nice + system + irq + softirq + steal;
}

/**
 * Processor time in microseconds until now: of each group (name → process, with all below it, also those that have
 * ended and were waited for), of this program and what it ran (client), and of the whole machine.
 */
export function usage(groups) {
	const used = {};
	for (const [name, pid] of Object.entries(groups)) used[name] = familyTicks(pid) * TICK_US;
	// without what still runs below it: that is the stack
	const mine = stat(process.pid);
	used.client = (mine.own + mine.ended) * TICK_US;
	used.machine = busyTicks() * TICK_US;
	return used;
}

/** Kilobytes of a process: all that is resident, and what it has for itself. */
export function memory(pid) {
	const kilobytes = {};
	for (const line of readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1').split('\n')) {
		const found = /^(\w+): +(\d+) kB$/.exec(line);
		if (found) kilobytes[found[1]] = Number(found[2]);
	}
	return { resident: kilobytes.Rss, own: kilobytes.Private_Clean + kilobytes.Private_Dirty };
}
