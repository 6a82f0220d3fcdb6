// A replica that never comes: what is committed is flushed and decoded, and nobody else sees it.

/** PostgreSQL waits for it at each commit from here on; resolves to what ends that, and lets go those who wait. */
export async function waitForReplica(stack) {
	const wait = async (name) => {
		await stack.sql(`alter system set synchronous_standby_names = '${name}'`, { superuser: true });
		await stack.sql('select pg_reload_conf()', { superuser: true });
	};
	await wait('nobody');
	return () => wait('');
}
