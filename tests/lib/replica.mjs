// A replica that never comes: what is committed is flushed and decoded, and nobody else sees it.
import { waitFor } from './wait.mjs';

const PROBE = "select pg_logical_emit_message(true, 'probe', '')";
const CANCEL = `select coalesce(bool_or(pg_cancel_backend(pid)), false) from pg_stat_activity
	where wait_event = 'SyncRep' and query like '%''probe''%' and pid <> pg_backend_pid()`;

/** Does a commit wait by now? It is committed either way, and seen. */
async function commitWaits(stack) {
	let over = false;
	const probe = stack
		.sql(PROBE, { superuser: true })
		.catch(() => undefined)
		.finally(() => (over = true));
	let waits = false;
	await waitFor(
		async () => over || (waits = (await stack.sql(CANCEL, { superuser: true })) === 't'),
		10_000,
		'a commit is over or waits',
	);
	await probe;
	return waits;
}

/** PostgreSQL waits for it at each commit from here on; resolves to what ends that, and lets go those who wait. */
export async function waitForReplica(stack) {
	const wait = async (name) => {
		await stack.sql(`alter system set synchronous_standby_names = '${name}'`, { superuser: true });
		await stack.sql('select pg_reload_conf()', { superuser: true });
	};
	await wait('nobody');
	// it is told of its settings some time after it was asked to read them
	await waitFor(() => commitWaits(stack), 10_000, 'commits wait');
	return () => wait('');
}
